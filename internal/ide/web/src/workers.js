// Monaco's workers, from our own origin. WORKER is filled in by build.mjs.
globalThis.MonacoEnvironment = {
  getWorker: (_id, label) => new Worker(`/assets/${WORKER}`, { name: label }),
};
