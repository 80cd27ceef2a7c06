/** The results of code that only its time limit stops. */
export const STOPPED = /ran for more than 100 ms|exceeded the limits/;
const MEMORY = /out of memory|ran for more than 400 ms|exceeded the limits/i;
const STACK = /stack overflow|exceeded the limits|ran for more/;
const FLOOD = /printed too much|Cut to 2000/;

/** Code that escapes or takes all it can get, and what the model is told. */
export const ABUSES: readonly [name: string, code: string, text: RegExp][] = [
  // Escapes: globals of the host.
  [
    "globals of the host",
    "[typeof Deno, typeof process, typeof require, typeof fetch, typeof self, typeof postMessage, typeof onmessage, typeof WebSocket, typeof Worker]",
    /^\[("undefined"(, )?){9}\]$/,
  ],
  [
    "timers and other jobs",
    "[typeof setTimeout, typeof setInterval, typeof queueMicrotask]",
    /^\["undefined", "undefined", "(undefined|function)"\]$/,
  ],
  [
    "modules of QuickJS's program",
    "[typeof std, typeof os, typeof scriptArgs, typeof loadScript]",
    /^\[("undefined"(, )?){4}\]$/,
  ],
  [
    "the constructor of a function",
    "(() => {}).constructor('return typeof Deno')()",
    /^undefined$/,
  ],
  [
    "the constructor of an asynchronous function",
    "await (async () => {}).constructor('return typeof Deno')()",
    /^undefined$/,
  ],
  [
    "the constructor of what the host made",
    "print.constructor.constructor('return typeof Deno + typeof process')()",
    /^undefinedundefined$/,
  ],
  [
    "the console's prototype",
    "Object.getPrototypeOf(console).constructor.constructor('return this')() === globalThis",
    /^true$/,
  ],
  ["indirect eval", "(0, eval)('typeof Deno')", /^undefined$/],
  ["callers on the stack", "(function f() { return [f.caller, f.arguments] })()", /./],
  [
    "a stack frame of the host",
    "Error.prepareStackTrace = (_, frames) => frames.map((frame) => frame.getThis?.()); try { print(Symbol()) } catch (e) { String(e.stack) }",
    /./,
  ],
  [
    "a polluted prototype",
    "Object.prototype.code = 'x'; Object.prototype.then = () => { throw 1 }; Array.prototype.join = () => 'pwned'; 1",
    /./,
  ],
  [
    "a replaced conversion to text",
    "String.prototype.slice = () => 'x'.repeat(1e6); print('y'.repeat(5000))",
    /Cut to 2000|printed too much/,
  ],
  [
    "a getter instead of a length",
    "Object.defineProperty(String.prototype, 'length', { get: () => 1e9 }); print('abc')",
    /^abc$/m,
  ],
  [
    "a replaced promise",
    "Promise.prototype.then = () => { for (;;); }; await 1; 5",
    /5|ran for more/,
  ],
  [
    "a proxy of the globals",
    "Object.setPrototypeOf(globalThis, new Proxy({}, { get() { return 7 }, has() { return true } })); Deno",
    /7|prototype/,
  ],
  [
    "a promise that resolves itself",
    "const p = new Promise((r) => setTimeout = r); setTimeout(p); await p",
    /TypeError|waits for a promise|ReferenceError/,
  ],
  ["a marker of the host in the code", "*/ `${'`'}) }})(); \0 </script>", /SyntaxError/],
  // Escapes: files, network, modules, WebAssembly.
  ["a dynamic import of a file", "await import('file:///etc/passwd')", /could not load module/],
  ["a dynamic import of a built-in module", "await import('node:fs')", /could not load module/],
  [
    "a dynamic import of data",
    "await import('data:text/javascript,export default 1')",
    /could not load module/,
  ],
  ["a static import", "import fs from 'node:fs'; fs.readFileSync('/etc/passwd')", /SyntaxError/],
  ["metadata of the module", "import.meta.url", /SyntaxError/],
  [
    "WebAssembly from inside",
    "new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))",
    /ReferenceError/,
  ],
  [
    "a wait for shared memory",
    "Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0)",
    /ReferenceError/,
  ],
  ["bytecode", "JSON.parse('\\u0000'); new Function(new Uint8Array([0x43, 1, 2]))", /SyntaxError/],
  [
    "shared memory of 1 GB",
    "new SharedArrayBuffer(2 ** 30)",
    /InternalError|RangeError|TypeError|exceeded/,
  ],
  // Time.
  ["an endless loop", "for (;;);", STOPPED],
  ["an endless loop that catches", "for (;;) { try { for (;;); } catch {} }", STOPPED],
  ["an endless loop in a finally block", "try { throw 1 } finally { for (;;); }", STOPPED],
  ["an endless generator", "[...(function* () { for (;;) yield 1 })()]", MEMORY],
  ["an endless loop after an await", "await 1; for (;;);", STOPPED],
  ["an endless loop between awaits", "for (;;) await 1;", STOPPED],
  [
    "jobs that start jobs",
    "(function f() { Promise.resolve().then(f) })(); await new Promise(() => {})",
    STOPPED,
  ],
  [
    "an endless asynchronous iterator",
    "for await (const x of (async function* () { for (;;) yield 1 })());",
    STOPPED,
  ],
  ["a method that never ends", "[].indexOf.call({ length: 2 ** 53 - 1 }, 1)", STOPPED],
  ["a search that takes years", "'a'.repeat(1e7).indexOf('a'.repeat(5e6) + 'b')", STOPPED],
  [
    "a big integer as text",
    "String(7n ** 300000n).repeat(10).length > String(9n ** 350000n)",
    STOPPED,
  ],
  ["a getter of then that never ends", "({ get then() { for (;;); } })", STOPPED],
  ["a value that never ends to show itself", "({ toString() { for (;;); } })", STOPPED],
  [
    "an error that never ends to show itself",
    "throw { get stack() { for (;;); }, toString() { for (;;); } }",
    STOPPED,
  ],
  ["a key that never ends", "({ a: new Proxy([], { get() { for (;;); } }) })", STOPPED],
  ["an exponential regular expression", "/^(a+)+$/.test('a'.repeat(60) + 'b')", STOPPED],
  [
    "a regular expression with references",
    "/(.*)(.*)(.*)(.*)(.*)\\1\\2\\3x/.test('a'.repeat(5000))",
    MEMORY,
  ],
  ["a replacement that grows", "let s = 'a'; for (;;) s = s.replace(/a/g, 'aa')", MEMORY],
  [
    "a sort that never agrees",
    "Array.from({ length: 1e6 }, (_, i) => i).sort(() => Math.random() - 0.5).length",
    /1000000|ran for more|memory/,
  ],
  ["a power of big integers", "2n ** (1n << 60n)", /too large|memory|ran for more/i],
  ["a tower of big integers", "let x = 3n; for (;;) x *= x", /too large|ran for more|memory/i],
  ["text of a big integer", "String(7n ** 2000000n).length", /\d|ran for more/],
  [
    "a factor of a large prime product",
    "factorize((10n ** 40n + 121n) * (10n ** 41n + 81n))",
    STOPPED,
  ],
  // Memory and stack.
  ["deep recursion", "const f = () => f() + 1; f()", STACK],
  ["deep recursion that catches", "function f() { try { f() } finally { f() } } f()", STACK],
  ["deep recursion of getters", "const o = { get x() { return this.x } }; o.x", STACK],
  ["deeply nested JSON", "JSON.parse('['.repeat(1e6))", /overflow|SyntaxError|exceeded|memory/],
  [
    "deeply nested arrays",
    "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a).length",
    STACK,
  ],
  [
    "a deeply nested value",
    "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; a",
    /…|overflow|ran for more/,
  ],
  [
    "deeply nested code",
    "eval('('.repeat(1e5) + ')'.repeat(1e5))",
    /overflow|SyntaxError|exceeded/,
  ],
  [
    "a deep regular expression",
    "new RegExp('('.repeat(1e5) + 'a' + ')'.repeat(1e5)).test('a')",
    /overflow|SyntaxError|exceeded|memory/,
  ],
  ["a string of 1 GB", "'x'.repeat(2 ** 30)", /RangeError|InternalError|memory/],
  [
    "a string that doubles",
    "let s = 'x'; for (;;) s += s",
    /RangeError|InternalError|memory|ran for/,
  ],
  ["an array of 4 GB", "new Array(2 ** 32 - 1).fill(1).length", MEMORY],
  ["a buffer of 8 GB", "new ArrayBuffer(2 ** 33)", /RangeError|InternalError|memory/],
  ["many buffers", "const a = []; for (;;) a.push(new Uint8Array(1e6).fill(1))", MEMORY],
  ["many objects", "const a = []; for (;;) a.push({ a: [1, 2, 3] })", MEMORY],
  ["many promises", "const a = []; for (;;) a.push(new Promise((r) => r).then(() => a))", MEMORY],
  [
    "memory taken again after it ran out",
    "for (;;) { try { const a = []; for (;;) a.push('x'.repeat(1e5) + a.length) } catch {} }",
    MEMORY,
  ],
  ["many symbols and keys", "const o = {}; for (let i = 0;; i++) o['k' + i] = Symbol(i)", MEMORY],
  // Output.
  ["a flood of lines", "for (;;) console.log('x')", FLOOD],
  ["one line of 10 MB", "console.log('x'.repeat(1e7))", FLOOD],
  ["a last value of 1 MB", "'x'.repeat(1e6)", FLOOD],
  ["an error of 1 MB", "throw new Error('x'.repeat(1e6))", FLOOD],
  ["an array of 100,000 values", "Array.from({ length: 1e5 }, (_, i) => i)", FLOOD],
  [
    "an array that contains itself many times",
    "const a = []; for (let i = 0; i < 1000; i++) a.push(a, [a, a]); a",
    /circular/,
  ],
  [
    "a value that doubles at each level",
    "let a = [1]; for (let i = 0; i < 60; i++) a = [a, a]; a",
    /…|Cut|ran for/,
  ],
  ["halves of characters", "console.log('\\ud800', '\\0', '\\u2028'); 1", /1$/],
  ["a name of a method of 1 MB", "({ ['x'.repeat(1e6)]() {} })", FLOOD],
  ["a fake end of the output", "console.log('[end of the output]'); 1", /1$/],
];
