/** Panels of which one is seen, as the ARIA practices describe tabs. */
import { h } from "./dom.ts";

export interface Tab { name: string; content: HTMLElement }

export function tabs(all: readonly Tab[], chosen: (at: number) => void): { element: HTMLElement; choose: (at: number) => void } {
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
  function mark(at: number): void {
    all.forEach((_, k) => {
      buttons[k]!.setAttribute("aria-selected", String(k === at));
      buttons[k]!.tabIndex = k === at ? 0 : -1;
      panels[k]!.hidden = k !== at;
    });
  }
  function choose(at: number): void {
    mark(at);
    chosen(at);
  }
  mark(0);
  if (all.length === 1) return { element: all[0]!.content, choose };
  return { element: h("div", { class: "tabs" }, h("div", { role: "tablist", "aria-label": "panels" }, ...buttons), ...panels), choose };
}
