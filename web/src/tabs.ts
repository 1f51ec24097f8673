/** Panels of which one is seen, as the ARIA practices describe tabs. */
import { h } from "./dom.ts";

export interface Tab { name: string; content: HTMLElement; opened?: () => void }

export function tabs(all: readonly Tab[]): HTMLElement {
  if (all.length === 1) return all[0]!.content;
  const buttons = all.map((tab, k) => h("button", {
    type: "button", role: "tab", id: `tab-${k}`, "aria-controls": `tabpanel-${k}`, click: () => choose(k),
    keydown: (event: KeyboardEvent) => {
      const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? all.length - 1 : 0;
      if (!step) return;
      event.preventDefault();
      const next = (k + step) % all.length;
      choose(next);
      buttons[next]!.focus();
    },
  }, tab.name));
  const panels = all.map((tab, k) => h("div", {
    role: "tabpanel", id: `tabpanel-${k}`, "aria-labelledby": `tab-${k}`, class: "tabpanel",
  }, tab.content));
  function choose(chosen: number): void {
    all.forEach((tab, k) => {
      buttons[k]!.setAttribute("aria-selected", String(k === chosen));
      buttons[k]!.tabIndex = k === chosen ? 0 : -1;
      panels[k]!.hidden = k !== chosen;
      if (k === chosen) tab.opened?.();
    });
  }
  choose(0);
  return h("div", { class: "tabs" }, h("div", { role: "tablist", "aria-label": "panels" }, ...buttons), ...panels);
}
