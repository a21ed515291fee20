"use strict";
// Runs before the page is drawn, so that nobody is dazzled first. The choice is kept in this browser.
(() => {
  const themes = ["system", "light", "dark"];
  const words = { system: "as the system", light: "light", dark: "dark" };
  const system = matchMedia("(prefers-color-scheme: dark)");
  const kept = () => {
    try {
      return localStorage.getItem("aicache-theme");
    } catch {
      return null;  // storage may be forbidden
    }
  };
  let theme = themes.includes(kept()) ? kept() : "system";

  function apply() {
    document.documentElement.dataset.theme = theme === "system" ? (system.matches ? "dark" : "light") : theme;
    const button = document.getElementById("theme");
    if (button) button.textContent = `Theme: ${words[theme]}`;
    document.dispatchEvent(new Event("themechange"));
  }

  apply();
  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", () => {
    apply();
    document.getElementById("theme").addEventListener("click", () => {
      theme = themes[(themes.indexOf(theme) + 1) % themes.length];
      try {
        localStorage.setItem("aicache-theme", theme);
      } catch {
        // Then it holds until the page is left.
      }
      apply();
    });
  });
})();
