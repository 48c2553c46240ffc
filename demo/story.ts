// How the demo speaks: a numbered act, then lines of what happened, with the time it took. Silent for --json, where only
// the last line counts.

const colour = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined
const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)

export class Story {
  readonly #silent: boolean
  readonly #began: number = Date.now()
  #act = 0

  constructor(silent: boolean) {
    this.#silent = silent
  }

  get seconds(): number {
    return Math.round((Date.now() - this.#began) / 100) / 10
  }

  act(title: string): void {
    this.#act += 1
    this.#print(`\n${paint(1, `${this.#act}. ${title}`)}  ${paint(2, `${this.seconds} s`)}`)
  }

  say(line: string): void {
    this.#print(`   ${line}`)
  }

  good(line: string): void {
    this.#print(`   ${paint(32, '✓')} ${line}`)
  }

  bad(line: string): void {
    this.#print(`   ${paint(31, '✗')} ${line}`)
  }

  end(ok: boolean, line: string): void {
    this.#print(`\n${ok ? paint(32, 'Everything held:') : paint(31, 'Something did not hold:')} ${line}`)
  }

  #print(line: string): void {
    if (!this.#silent) console.log(line)
  }
}
