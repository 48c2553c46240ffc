// One query under way: the reads that must end with it. It fails once, for one reason; everything that it opened is then
// closed. How long it may take is the affair of the one who asked (running.ts).

export interface Closable {
  close(): void
}

export class Evaluation {
  /** Rejects when it fails; never resolves. */
  readonly failed: Promise<never>
  #reject: (error: Error) => void = () => {}
  #error: Error | undefined
  #over = false
  readonly #open = new Set<Closable>()

  constructor() {
    this.failed = new Promise<never>((_, reject) => {
      this.#reject = reject
    })
    // Whoever waits gets the reason; that nobody may be waiting is no second error.
    this.failed.catch(() => undefined)
  }

  get over(): boolean {
    return this.#over
  }

  /** The first reason counts. */
  fail(error: Error): void {
    if (this.#over) return
    this.#error = error
    this.#reject(error)
    this.finish()
  }

  throwIfFailed(): void {
    if (this.#error !== undefined) throw this.#error
  }

  /** To be closed at the end; at once if the end was before. */
  track(closable: Closable): void {
    if (this.#over) closable.close()
    else this.#open.add(closable)
  }

  release(closable: Closable): void {
    this.#open.delete(closable)
  }

  /** Ends it, well or not. */
  finish(): void {
    if (this.#over) return
    this.#over = true
    for (const closable of [...this.#open]) closable.close()
    this.#open.clear()
  }
}
