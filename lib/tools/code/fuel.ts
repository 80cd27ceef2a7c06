/**
 * Makes WebAssembly return to JavaScript now and then. Deno can't end a thread that never does, and
 * one method of QuickJS such as `indexOf` may run for years.
 *
 * @see {@link https://webassembly.github.io/spec/core/binary/}
 * @module
 */

/** Name of the exported counter of the loops that may run until the next call. */
const FUEL = "fuel";

/** Loops between two calls: 1 to 100 ms. */
const LOOPS = 1_000_000;

type Instantiate = (bytes: BufferSource, imports: WebAssembly.Imports) => Promise<
  WebAssembly.WebAssemblyInstantiatedSource
>;

/**
 * Returns a replacement of `WebAssembly.instantiate` for one module.
 *
 * @param onLoops called after every million of loops; what it throws ends the call of the module.
 * @param onCompiled called once with the changed module.
 */
export function instantiateWithFuel(
  onLoops: () => void,
  onCompiled: (module: WebAssembly.Module) => void,
): Instantiate {
  let prepared: { module: WebAssembly.Module; callee: Callee } | undefined;
  return (bytes, imports) => {
    if (prepared === undefined) {
      const { wasm, callee } = withFuel(bytes as Uint8Array);
      prepared = { module: new WebAssembly.Module(wasm), callee };
      onCompiled(prepared.module);
    }
    const { module, callee } = prepared;
    const imported = imports[callee.module]!;
    const call = imported[callee.name] as () => void;
    const callOrRefuel = () => {
      if (fuel.value >= 0) return call();
      fuel.value = LOOPS;
      onLoops();
    };
    const instance = new WebAssembly.Instance(module, {
      ...imports,
      [callee.module]: { ...imported, [callee.name]: callOrRefuel },
    });
    const fuel = instance.exports[FUEL] as WebAssembly.Global;
    return Promise.resolve({ module, instance });
  };
}

interface Callee {
  module: string;
  name: string;
}

const SECTION = { type: 1, import: 2, global: 6, export: 7, code: 10 };
const HEADER_BYTES = 8;

/**
 * Returns a module that counts its loops down in an exported global. Below 0, each loop calls
 * `callee`.
 *
 * @param wasm a module that imports a function without parameters and results.
 * @throws if it uses instructions that are not known here.
 */
function withFuel(wasm: Uint8Array): {
  wasm: Uint8Array<ArrayBuffer>;
  /** The last imported function without parameters and results. */
  callee: Callee;
} {
  const reader = createReader(wasm, HEADER_BYTES);
  const out: Bytes[] = [wasm.subarray(0, HEADER_BYTES)];
  const plainTypes = new Set<number>();
  let callee: Callee & { index: number } | undefined;
  let globals = 0;
  while (reader.at < wasm.length) {
    const id = reader.byte();
    const end = reader.number() + reader.at;
    const body = reader.at;
    let changed: Bytes[] | undefined;
    if (id === SECTION.type) readTypes(reader, plainTypes);
    else if (id === SECTION.import) {
      const read = readImports(reader, plainTypes);
      globals = read.globals;
      callee = read.callee;
    } else if (id === SECTION.global) {
      const count = reader.number();
      globals += count + 1;
      // A mutable i32 at the end, so that all others keep their numbers.
      const fuel = [0x7f, 1, 0x41, ...signed(LOOPS), 0x0b];
      changed = [number(count + 1), wasm.subarray(reader.at, end), fuel];
    } else if (id === SECTION.export) {
      const count = reader.number();
      const name = [...new TextEncoder().encode(FUEL)];
      const fuel = [name.length, ...name, 3, ...number(globals - 1)];
      changed = [number(count + 1), wasm.subarray(reader.at, end), fuel];
    } else if (id === SECTION.code) {
      if (callee === undefined) throw new Error("The module has no function to call");
      changed = burnInLoops(reader, globals - 1, callee.index);
    }
    const content = changed ?? [wasm.subarray(body, end)];
    out.push([id], number(lengthOf(content)), ...content);
    reader.at = end;
  }
  return { wasm: join(out), callee: callee! };
}

type Bytes = Uint8Array | readonly number[];

const lengthOf = (parts: readonly Bytes[]) => parts.reduce((sum, { length }) => sum + length, 0);

function join(parts: readonly Bytes[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lengthOf(parts));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

type Reader = ReturnType<typeof createReader>;

function createReader(bytes: Uint8Array, start: number) {
  return {
    bytes,
    at: start,
    byte(): number {
      if (this.at >= bytes.length) throw new Error("The module is incomplete");
      return bytes[this.at++]!;
    },
    /** Reads an unsigned number in LEB128. Signed ones may be skipped with it. */
    number(): number {
      let value = 0;
      for (let shift = 0;; shift += 7) {
        const byte = this.byte();
        value += (byte & 0x7f) * 2 ** shift;
        if (byte < 0x80) return value;
      }
    },
    text(): string {
      const length = this.number();
      this.at += length;
      return new TextDecoder().decode(bytes.subarray(this.at - length, this.at));
    },
  };
}

function number(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push(value % 0x80 + 0x80);
  return [...bytes, value];
}

/** A positive number in signed LEB128, whose sign is the last bit but one. */
function signed(value: number): number[] {
  const bytes = number(value);
  const last = bytes.at(-1)!;
  return last < 0x40 ? bytes : [...bytes.slice(0, -1), last + 0x80, 0];
}

function readTypes(reader: Reader, plain: Set<number>): void {
  const count = reader.number();
  for (let index = 0; index < count; index++) {
    if (reader.byte() !== 0x60) throw new Error("Unknown kind of type");
    const parameters = reader.number();
    reader.at += parameters;
    const results = reader.number();
    reader.at += results;
    if (parameters + results === 0) plain.add(index);
  }
}

function readImports(reader: Reader, plainTypes: ReadonlySet<number>) {
  let callee: Callee & { index: number } | undefined;
  let functions = 0;
  let globals = 0;
  const skipLimits = () => {
    const hasMaximum = (reader.byte() & 1) === 1;
    reader.number();
    if (hasMaximum) reader.number();
  };
  for (let left = reader.number(); left > 0; left--) {
    const module = reader.text();
    const name = reader.text();
    const kind = reader.byte();
    if (kind === 0) {
      if (plainTypes.has(reader.number())) callee = { module, name, index: functions };
      functions++;
    } else if (kind === 1) {
      reader.byte();
      skipLimits();
    } else if (kind === 2) skipLimits();
    else if (kind === 3) {
      reader.at += 2;
      globals++;
    } else throw new Error("Unknown kind of import");
  }
  return { callee, globals };
}

/** Returns the section of code with more at the beginning of each loop. */
function burnInLoops(reader: Reader, fuel: number, callee: number): Bytes[] {
  const { bytes } = reader;
  const global = number(fuel);
  // fuel -= 1; if (fuel < 0) callee()
  const burn = [
    ...[0x23, ...global, 0x41, 1, 0x6b, 0x24, ...global],
    ...[0x23, ...global, 0x41, 0, 0x48, 0x04, 0x40, 0x10, ...number(callee), 0x0b],
  ];
  const count = reader.number();
  const out: Bytes[] = [number(count)];
  for (let index = 0; index < count; index++) {
    const end = reader.number() + reader.at;
    const body: Bytes[] = [];
    let copied = reader.at;
    for (let locals = reader.number(); locals > 0; locals--) {
      reader.number();
      reader.byte();
    }
    while (reader.at < end) {
      const opcode = reader.byte();
      skipImmediates(reader, opcode);
      if (opcode !== LOOP) continue;
      body.push(bytes.subarray(copied, reader.at), burn);
      copied = reader.at;
    }
    body.push(bytes.subarray(copied, end));
    out.push(number(lengthOf(body)), ...body);
  }
  return out;
}

const LOOP = 0x03;

function skipImmediates(reader: Reader, opcode: number): void {
  if (opcode === 0xfc) {
    const more = reader.number();
    if (more > 17) throw new Error(`Unknown instruction 0xfc ${more}`);
    const immediates = more < 8 ? 0 : [9, 11, 13, 15, 16, 17].includes(more) ? 1 : 2;
    skipNumbers(reader, immediates);
  } else if (opcode === 0x0e || opcode === 0x1c) {
    // A table of labels has one more for the default.
    skipNumbers(reader, reader.number() + (opcode === 0x0e ? 1 : 0));
  } else if (opcode === 0x43) reader.at += 4;
  else if (opcode === 0x44) reader.at += 8;
  else skipNumbers(reader, immediatesOf(opcode));
}

function skipNumbers(reader: Reader, count: number): void {
  for (; count > 0; count--) reader.number();
}

/** Returns how many numbers follow an instruction. */
function immediatesOf(opcode: number): number {
  // block, loop, if; br, br_if; call; get and set; memory.size and memory.grow; constants.
  const hasOne = opcode >= 0x02 && opcode <= 0x04 || opcode === 0x0c || opcode === 0x0d ||
    opcode === 0x10 || opcode >= 0x20 && opcode <= 0x26 || opcode >= 0x3f && opcode <= 0x42 ||
    opcode === 0xd0 || opcode === 0xd2;
  if (hasOne) return 1;
  // call_indirect; load and store.
  if (opcode === 0x11 || opcode >= 0x28 && opcode <= 0x3e) return 2;
  const hasNone = [0x00, 0x01, 0x05, 0x0b, 0x0f, 0x1a, 0x1b, 0xd1].includes(opcode) ||
    opcode >= 0x45 && opcode <= 0xc4;
  if (hasNone) return 0;
  throw new Error(`Unknown instruction 0x${opcode.toString(16)}`);
}
