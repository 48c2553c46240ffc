// What the table of commands says of one, and options that many share.

import type { Handler } from '../context.ts'

export interface OptionSpec {
  /** As commander has it: `--name <value>`, or `--name <value...>` for one that may be repeated. */
  readonly flags: string
  readonly help: string
}

export interface CommandSpec {
  /** Its words: `org init`. */
  readonly words: string
  /** As commander has it: `<file>`, `<files...>`, `[word]`. */
  readonly args?: string
  readonly summary: string
  readonly options?: readonly OptionSpec[]
  readonly example: string
  readonly load: () => Promise<Handler>
}

export const endpoint: OptionSpec = {
  flags: '--endpoint <url>',
  help: "HTTP address of a node (default: this home's own)",
}
export const genesis: OptionSpec = {
  flags: '--genesis <file>',
  help: "genesis of the ledger (default: this home's own)",
}
export const key: OptionSpec = { flags: '--key <file>', help: "the organisation's private key" }
