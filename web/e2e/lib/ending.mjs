// What has to be tidied up after a test, last come first gone: pages before their browser,
// the browser before the server that it talks to.
const stacks = new WeakMap();

export function atEnd(t, work) {
  let stack = stacks.get(t);
  if (stack === undefined) {
    stacks.set(t, (stack = []));
    t.after(async () => {
      const failures = [];
      for (const end of stack.reverse()) await end().catch((err) => failures.push(err));
      if (failures.length > 0) throw failures[0];
    });
  }
  stack.push(async () => work());
}
