/* What a scenario found: "ok" or the reason for each claim, and the events that went either way. */
export interface Report {
  claims: Record<string, string>;
  sent: string[];
  received: string[];
}

export class Scenario {
  readonly #claims = new Map<string, string>();
  readonly #sent = new Set<string>();
  readonly #received = new Set<string>();

  /** Note all that goes through a socket. */
  watch(socket: { onAny(listener: (name: string) => void): unknown; onAnyOutgoing(listener: (name: string) => void): unknown }): void {
    socket.onAny((name) => this.#received.add(name));
    socket.onAnyOutgoing((name) => this.#sent.add(name));
  }

  /** Try one claim; the others go on when it does not hold. */
  async claim(words: string, hold: () => Promise<void>): Promise<void> {
    try {
      await within(hold(), words);
      this.#claims.set(words, "ok");
    } catch (error) {
      this.#claims.set(words, error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }

  report(): Report {
    return { claims: Object.fromEntries(this.#claims), sent: [...this.#sent].sort(), received: [...this.#received].sort() };
  }
}

function within(promise: Promise<void>, words: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`still waiting after 15 s: ${words}`)), 15_000);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

export function equal(found: unknown, expected: unknown): void {
  const [left, right] = [write(found), write(expected)];
  if (left !== right) throw new Error(`found ${left}, expected ${right}`);
}

/** What `promise` fails with. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`did not fail, but gave ${write(value)}`);
}

/** JSON with sorted keys, in which bytes are bytes wherever they arrived. */
function write(value: unknown): string {
  return JSON.stringify(plain(value)) ?? "undefined";
}

function plain(value: unknown): unknown {
  if (value instanceof ArrayBuffer) return { $bytes: [...new Uint8Array(value)] };
  if (value instanceof Uint8Array) return { $bytes: [...value] };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [key, plain(inner)]);
  return Object.fromEntries(entries.sort(([left], [right]) => (left < right ? -1 : 1)));
}
