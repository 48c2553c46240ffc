// npm run conformance: the W3C's suites through this program and through n3 and Comunica alone, into docs/conformance.md.

import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { SuiteResult } from './manifest.ts'
import { rdfSuites } from './rdf-suites.ts'
import { sparqlSuites } from './sparql-suites.ts'
import { unpackSuites } from './unpack.ts'

const page = resolve(import.meta.dirname, '../../docs/conformance.md')

function table(results: readonly SuiteResult[], peer: string): string {
  const count = ({ verdicts }: SuiteResult, who: 'ours' | 'plain'): number =>
    verdicts.filter((verdict) => verdict[who]).length
  const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)
  const rows = results.map((result) => [
    result.suite,
    result.verdicts.length,
    count(result, 'ours'),
    count(result, 'plain'),
  ])
  const total = [1, 2, 3].map((column) => sum(rows.map((row) => row[column] as number)))
  const lines = [...rows, ['**all**', ...total]].map((row) => `| ${row.join(' | ')} |`)
  const failed = results.flatMap(({ suite, verdicts }) =>
    verdicts
      .filter(({ ours, plain }) => !ours || !plain)
      .map(
        ({ name, ours, plain }) =>
          `* ${suite}: ${name.replace(/[*_<>|]/g, '\\$&')} (${ours ? '' : 'here'}${!ours && !plain ? ' and ' : ''}${plain ? '' : `${peer} alone`})`,
      ),
  )
  return `| suite | tests | passed here | passed by ${peer} alone |\n| --- | --- | --- | --- |\n${lines.join('\n')}\n\nNot passed:\n\n${failed.join('\n') || '* none'}\n`
}

async function fill(name: string, text: string): Promise<void> {
  process.stdout.write(`${text}\n`)
  const place = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(<!-- end -->)`)
  const whole = await readFile(page, 'utf8')
  await writeFile(
    page,
    whole.replace(place, (_, begin: string, end: string) => `${begin}\n${text}\n${end}`),
  )
}

const suites = await unpackSuites()
if (suites === undefined) {
  process.stdout.write('The archive of the W3C suites is not beside this clone: nothing was run.\n')
} else {
  try {
    await fill('rdf', table(await rdfSuites(suites.folder), 'n3'))
    await fill('sparql', table(await sparqlSuites(suites.folder), 'Comunica'))
  } finally {
    await suites.remove()
  }
}
process.exit()
