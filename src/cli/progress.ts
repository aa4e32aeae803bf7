/** How far a long reading is, on standard error. */

export interface Progress {
  readonly at: (records: number) => void;
  readonly end: () => void;
}

export function showProgress(): Progress {
  const started = performance.now();
  let shown = started;
  let read = 0;
  const say = (records: number): void => {
    const seconds = (performance.now() - started) / 1000;
    process.stderr.write(`\r${records} records, ${Math.round(records / Math.max(seconds, 0.001))} a second`);
  };
  return {
    at(records) {
      read = records;
      if (performance.now() - shown < 1000) return;
      shown = performance.now();
      say(records);
    },
    end() {
      say(read);
      process.stderr.write('\n');
    },
  };
}
