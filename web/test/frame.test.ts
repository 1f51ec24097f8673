import { describe, expect, it } from "vitest";
import { boundsOf, Camera, project } from "../src/camera.ts";
import { blend, Frame, PAD } from "../src/frame.ts";

const RED = 0xff0000ff, BLUE = 0xffff0000, WHITE = 0xffffffff;

function cloud(points: number[][], colours: number[], marks: number[]) {
  return { positions: Float32Array.from(points.flat()), colours: Uint32Array.from(colours), marks: Uint8Array.from(marks) };
}

function drawn(points: number[][], colours: number[], marks: number[], camera: Camera): Frame {
  const frame = new Frame(camera.width, camera.height);
  frame.clear(WHITE);
  const some = cloud(points, colours, marks);
  frame.draw(some, camera.projection(WHITE), 6, 0, points.length);
  return frame;
}

function square(solid = false): Camera {
  const camera = new Camera();
  camera.resize(100, 100);
  camera.scale = camera.fitted = 10;
  camera.solid = solid;
  return camera;
}

describe("a frame", () => {
  it("shows a point at the pixel to which it projects, and knows which it is", () => {
    const frame = drawn([[0, 0, 0], [2, 3, 0]], [RED, BLUE], [1, 1], square());
    expect(frame.pixels[(50 + PAD) * frame.stride + 50 + PAD]).toBe(RED);
    expect(frame.pixels[(20 + PAD) * frame.stride + 70 + PAD]).toBe(BLUE);
    expect(frame.pick(50, 50)).toBe(0);
    expect(frame.pick(73, 22)).toBe(1);
    expect(frame.pick(30, 80)).toBe(-1);
  });

  it("leaves out what is hidden and what is outside, and survives points that are no number", () => {
    const frame = new Frame(100, 100);
    frame.clear(WHITE);
    const some = cloud([[0, 0, 0], [99, 0, 0], [NaN, 0, 0], [1, 1, 0]], [RED, RED, RED, RED], [0, 1, 1, 1]);
    expect(frame.draw(some, square().projection(WHITE), 6, 0, 4)).toBe(1);
    expect(frame.pick(50, 50, 3)).toBe(-1);
  });

  it("shows the later point in a flat view and the nearer one in a solid view", () => {
    const points = [[0, 0, -1], [0, 0, 1]];
    const camera = square(true);
    const near = camera.projection().zz > 0 ? 0 : 1;
    expect(drawn(points, [RED, BLUE], [1, 1], camera).pick(50, 50)).toBe(near);
    expect(drawn([...points].reverse(), [RED, BLUE], [1, 1], camera).pick(50, 50)).toBe(1 - near);
    expect(drawn(points, [RED, BLUE], [1, 1], square()).pick(50, 50)).toBe(1);
  });

  it("draws each shape around the same centre, rings open", () => {
    for (const mark of [1, 2, 3]) {
      const frame = new Frame(100, 100);
      frame.clear(WHITE);
      frame.draw(cloud([[0, 0, 0]], [RED], [mark]), square().projection(WHITE), 16, 0, 1);
      const centre = frame.pixels[(50 + PAD) * frame.stride + 50 + PAD];
      expect(centre === RED).toBe(mark === 1);
      expect(frame.pick(50, 50, 8)).toBe(0);
    }
  });

  it("blends each channel by itself", () => {
    expect(blend(RED, BLUE, 256)).toBe(RED);
    expect(blend(RED, BLUE, 0)).toBe(BLUE);
    expect(blend(0xff804020, 0xff000000, 128)).toBe(0xff402010);
  });
});

describe("a camera", () => {
  it("keeps the place under the pointer when it zooms, flat and solid", () => {
    for (const solid of [false, true]) {
      const camera = square(solid);
      camera.yaw = 0.5;
      camera.pitch = 0.3;
      const point = [...camera.target] as [number, number, number];
      camera.pan(12, -7);
      const before = project(camera.projection(), ...point);
      camera.zoomAt(2, before[0], before[1]);
      const after = project(camera.projection(), ...point);
      expect(after[0]).toBeCloseTo(before[0], 6);
      expect(after[1]).toBeCloseTo(before[1], 6);
    }
  });

  it("moves what it shows by the pixels it is moved", () => {
    for (const solid of [false, true]) {
      const camera = square(solid);
      camera.yaw = 0.5;
      camera.pitch = 0.3;
      const point = [...camera.target] as [number, number, number];
      camera.pan(10, 4);
      const [x, y] = project(camera.projection(), ...point);
      expect(x).toBeCloseTo(60, 6);
      expect(y).toBeCloseTo(54, 6);
    }
  });

  it("fits all points into the view", () => {
    const positions = Float32Array.from({ length: 300 }, (_, i) => Math.sin(i * 12.9898) * (1 + (i % 3)));
    for (const solid of [false, true]) {
      const camera = square(solid);
      camera.yaw = 1;
      camera.pitch = -0.4;
      camera.fit(boundsOf(positions));
      for (let i = 0; i < positions.length; i += 3) {
        const [x, y] = project(camera.projection(), positions[i]!, positions[i + 1]!, positions[i + 2]!);
        expect(Math.min(x, y, 100 - x, 100 - y)).toBeGreaterThan(-8);
      }
    }
  });
});
