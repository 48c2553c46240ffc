// Prints docs/errors.md from the error table.

import { type ErrorEntry, errorTable } from '../../src/base/error-table.ts'

const exits: Readonly<Record<ErrorEntry['exit'], string>> = {
  1: 'verification failed',
  2: 'usage',
  3: 'configuration',
  4: 'refused by the ledger',
  5: 'unavailable',
  6: 'locked',
  7: 'not permitted',
}

const preamble = `# Error codes

Every code that a person, a program or a peer can meet. Codes are stable; sentences may improve. A command that ends with
one of them exits with the number given (0 means that all went well). No error quotes data: it names the line, the column, the parameter
or the file, and a graph that is not on the ledger, whose names are public. Printed from \`src/base/error-table.ts\` by
\`npm run docs\`; \`quadrille explain CODE\` says the same.

| exit | meaning |
| --- | --- |
${Object.entries(exits)
  .map(([exit, meaning]) => `| ${exit} | ${meaning} |`)
  .join('\n')}

| code | exit | what happened | what to do |
| --- | --- | --- | --- |
`

export function printErrors(): string {
  const entries: readonly (readonly [string, ErrorEntry])[] = Object.entries(errorTable)
  const rows = [...entries]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { exit, sentence, next }]) => `| \`${code}\` | ${exit} | ${cell(sentence)} | ${cell(next)} |`)
  return `${preamble}${rows.join('\n')}\n`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
