/** onnxruntime-web, bundled by itself: it is read only when a sample is mapped in the browser. */
import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";

const carrier = (window.drlim ??= {});
carrier.ort = { env, InferenceSession, Tensor };
