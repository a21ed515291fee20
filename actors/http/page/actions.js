// What changes the node: it asks twice before it forgets everything, and keeps the token nowhere.
import { act } from "./ask.js";
import { at, say } from "./elements.js";
import { count } from "./format.js";

const sentences = {
  401: "The token is wrong.",
  403: "The node takes no actions: it was given no token (http.token or http.token_file).",
};

function sure(question) {
  at("act-question").textContent = question;
  at("act-sure").returnValue = "no";
  at("act-sure").showModal();
  return new Promise((resolve) =>
    at("act-sure").addEventListener("close", () => resolve(at("act-sure").returnValue === "yes"), { once: true }));
}

async function perform(action, body, told) {
  const token = at("act-token").value;
  if (token === "") {
    say("act-result", "The token is missing.");
    at("act-token").focus();
    return;
  }
  const buttons = [...at("act-form").querySelectorAll("button")];
  buttons.forEach((b) => (b.disabled = true));
  say("act-result", "asking the node…");
  try {
    say("act-result", told(await act(action, token, body)));
  } catch (e) {
    say("act-result", sentences[e.status] ?? `Not done: ${e.message}.`);
  }
  buttons.forEach((b) => (b.disabled = false));
}

function toldOfInvalidation(done) {
  const parts = [`Done: ${count(done.in_memory)} answers left memory`];
  if (done.swept) parts.push(`${count(done.in_redis)} left Redis`);
  if (done.known_to_redis === false) parts.push("Redis will be told when it is back, and other nodes then");
  return `${parts.join("; ")}.`;
}

function fields() {
  const scope = at("act-scope").value;
  at("act-tenant-label").hidden = scope !== "tag" && scope !== "tenant";
  at("act-name-label").hidden = scope !== "tag" && scope !== "operation";
  at("act-wait-label").hidden = scope === "everything";
  at("act-name").required = !at("act-name-label").hidden;
}

export function startActions() {
  fields();
  at("act-scope").addEventListener("change", fields);
  at("act-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const scope = at("act-scope").value;
    if (scope === "everything") {
      if (await sure("Forget every answer, on all nodes?")) await perform("clear", {}, toldOfInvalidation);
      return;
    }
    const body = { scope, wait: at("act-wait").checked };
    if (!at("act-tenant-label").hidden) body.tenant = at("act-tenant").value;
    if (!at("act-name-label").hidden) body.name = at("act-name").value;
    // A tenant may have no name; one that was forgotten to be typed must not become that one.
    if (body.tenant === "" && !(await sure("The tenant is empty: is the one without a name meant?"))) return;
    await perform("invalidate", body, toldOfInvalidation);
  });
  const others = {
    reset: ["Set this node's counts to zero? Answers stay.", "Done: the counts begin anew."],
    reload: ["Read the settings again?", "Done: the settings were read again."],
  };
  for (const button of document.querySelectorAll("[data-action]")) {
    const [question, told] = others[button.dataset.action];
    button.addEventListener("click", async () => {
      if (await sure(question)) await perform(button.dataset.action, {}, () => told);
    });
  }
}
