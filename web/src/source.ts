/** Where the scene comes from: a server, or a folder of files that needs none. */
import type { Ort } from "./mapper.ts";
import { type ArrayInfo, type NumberArray, type Scene, viewOf } from "./scene.ts";

export interface Source {
  readonly kind: "server" | "folder";
  scene(): Promise<Scene>;
  array(scene: Scene, name: string): Promise<NumberArray>;
  names(): Promise<string[]>;
  /** A picture of the scene: a sheet of thumbnails, or the pictures of a trail. */
  picture(name: string): Promise<ImageBitmap>;
}

function known(scene: Scene, name: string): ArrayInfo {
  const info = scene.arrays[name];
  if (!info) throw new Error(`The scene has no array ${name}.`);
  return info;
}

export class ServerSource implements Source {
  readonly kind = "server";

  async scene(): Promise<Scene> {
    return (await (await asked("scene.json")).json()) as Scene;
  }

  async array(scene: Scene, name: string): Promise<NumberArray> {
    const info = known(scene, name);
    return viewOf(info, await (await asked(`data/${name}`)).arrayBuffer());
  }

  async names(): Promise<string[]> {
    return (await (await asked("data/names")).json()) as string[];
  }

  async picture(name: string): Promise<ImageBitmap> {
    return createImageBitmap(await (await asked(`data/${name}`)).blob());
  }
}

/** A request whose failure carries the sentence that the server gives for it. */
export async function asked(path: string, options?: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer. Is drlim explore still running?");
  }
  if (!answer.ok) {
    const body: unknown = await answer.json().catch(() => null);
    const detail = (body as { detail?: unknown } | null)?.detail;
    throw new Error(typeof detail === "string" ? detail : `The server answered ${answer.status}.`);
  }
  return answer;
}

interface Carrier {
  /** Set by the scene.js of a folder. */
  scene?: Scene;
  /** Set by the scene.js of a server. */
  server?: boolean;
  receive?: (name: string, base64: string) => void;
  /** Set by ort.js. */
  ort?: Ort;
  /** The map shown, for tests and for the console. */
  map?: unknown;
  page?: unknown;
}

declare global {
  interface Window { drlim?: Carrier }
}

/** Reads files by script tags, which browsers allow where the page itself is a file. */
export class FolderSource implements Source {
  readonly kind = "folder";
  private readonly received = new Map<string, string>();

  constructor(private readonly carrier: Carrier) {
    carrier.receive = (name, base64) => {
      this.received.set(name, base64);
    };
  }

  scene(): Promise<Scene> {
    return this.carrier.scene
      ? Promise.resolve(this.carrier.scene)
      : Promise.reject(new Error("scene.js is missing beside this page."));
  }

  async array(scene: Scene, name: string): Promise<NumberArray> {
    const info = known(scene, name);
    return viewOf(info, await this.bytes(name, fileOf(name)));
  }

  async names(): Promise<string[]> {
    return JSON.parse(new TextDecoder().decode(await this.bytes("names", fileOf("names")))) as string[];
  }

  async picture(name: string): Promise<ImageBitmap> {
    return createImageBitmap(new Blob([await this.bytes(name, fileOf(name))], { type: "image/png" }));
  }

  /** What a file hands over; it is not kept twice. */
  async bytes(name: string, file: string): Promise<ArrayBuffer> {
    if (!this.received.has(name)) await script(file);
    const base64 = this.received.get(name);
    if (base64 === undefined) throw new Error(`${file} holds no ${name}.`);
    this.received.delete(name);
    return decoded(base64);
  }
}

function fileOf(name: string): string {
  return `data-${name.replaceAll("/", "-")}.js`;
}

export function decoded(base64: string): ArrayBuffer {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes.buffer;
}

export function script(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = path;
    element.onload = () => {
      element.remove();
      resolve();
    };
    element.onerror = () => {
      element.remove();
      reject(new Error(`${path} is missing beside this page.`));
    };
    document.head.append(element);
  });
}

export function theSource(): Source {
  const carrier = (window.drlim ??= {});
  return carrier.server ? new ServerSource() : new FolderSource(carrier);
}
