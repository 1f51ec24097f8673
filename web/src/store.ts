/** What the visitor has chosen; whoever shows it listens. */
import type { Axes } from "./axes.ts";

export interface State {
  dark: boolean;
  solid: boolean;
  /** A solid view turns by itself. */
  turning: boolean;
  axes: Axes;
  /** The factor that gives the colours, by its index. */
  colour: number;
  /** Values of the colouring class that are hidden. */
  hiddenValues: ReadonlySet<number>;
  /** Codes of the split that are hidden. */
  hiddenSplits: ReadonlySet<number>;
  size: number;
  thumbnails: "near" | "spread" | "off";
  hovered: number;
  selected: number;
}

export type Key = keyof State;

export class Store {
  private readonly listeners: { keys: readonly Key[]; call: () => void }[] = [];

  constructor(private state: State) {}

  get now(): Readonly<State> {
    return this.state;
  }

  set(change: Partial<State>): void {
    const changed = (Object.keys(change) as Key[]).filter((key) => change[key] !== this.state[key]);
    if (changed.length === 0) return;
    this.state = { ...this.state, ...change };
    for (const { keys, call } of this.listeners) if (keys.some((key) => changed.includes(key))) call();
  }

  on(keys: readonly Key[], call: () => void): void {
    this.listeners.push({ keys, call });
  }
}
