// The report of an erasure as a page for people: what was ordered, what each node attested, and what that does not promise.

import { utf8 } from '../base/bytes.ts'
import { type ErasureReport, missingOf, type Obligation } from './erasure-report.ts'

/** UTF-8 of one self-contained HTML document. */
export function erasurePage(report: ErasureReport): Uint8Array {
  const missing = missingOf(report)
  const standing = report.complete
    ? 'Complete: every obliged node attested.'
    : `Partial. These nodes have not attested: ${missing.join(', ')}.`
  return utf8(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Erasure report ${report.order}</title>
<style>body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}table{border-collapse:collapse}
td,th{border:1px solid #999;padding:.3em .6em;text-align:left;vertical-align:top}code{overflow-wrap:anywhere}</style>
<h1>Erasure report</h1>
<p><strong>${escaped(standing)}</strong> Counted up to height ${report.asOf}.</p>
<table>
${row('Ledger', code(report.ledger))}
${row('Order', code(report.order))}
${row('Ordered by', escaped(report.organisation))}
${row('At', `${iso(report.time)}, height ${report.height}`)}
${row('Reason', escaped(report.reason))}
${row('Reference of the case file', code(report.reference))}
${row('Items named', `${report.items.length}, of which ${report.erased} were not erased before`)}
</table>
<h2>What each node attested</h2>
<p>Signed onto the ledger with the node's own key, after it had noted pieces of all bytes that had to go, destroyed the keys,
removed the bytes and searched its files for the pieces.</p>
<table>
<tr><th>Node<th>Height<th>Files and bytes searched<th>Pieces looked for<th>Found<th>Unlocked by<th>Last backup ends<th>Software</tr>
${report.obligations.map(attested).join('\n')}
</table>
<h2>What this says and what it does not</h2>
<ul>
<li>The erasure is ordered by agreement, attested by each member and checkable against the chain. That a member tells the truth about
its own disk cannot be shown by anybody else.</li>
<li>A node that looked for no pieces held no copy: it joined or caught up after the order.</li>
<li>A node that is unlocked by a key file or a passphrase cannot destroy that key: somebody with an image of its disk from before the
erasure and that key can still open what the image holds.</li>
<li>Exports, dumps and query answers that left a node before the order are not reached by it; nor are remnants on media that files
cannot reach (reallocated sectors, snapshots of a file system).</li>
</ul>
<h2>The items</h2>
<ol>
${report.items.map((item) => `<li>${code(item)}`).join('\n')}
</ol>
</html>
`)
}

function attested({ name, attestations }: Obligation): string {
  const [own] = attestations
  if (own === undefined) return `<tr><td>${escaped(name)}<td colspan="7">has not attested</tr>`
  const { files, bytes, probes, hits } = own.counts
  const cells = [
    escaped(name),
    own.height,
    `${files} files, ${bytes} bytes`,
    probes,
    hits,
    escaped(own.unlock),
    iso(own.backupsEnd),
    code(own.software),
  ]
  return `<tr>${cells.map((cell) => `<td>${cell}`).join('')}</tr>`
}

const row = (name: string, value: string): string => `<tr><th>${name}<td>${value}</tr>`
const code = (text: string): string => `<code>${escaped(text)}</code>`
const iso = (ms: number): string => new Date(ms).toISOString()

function escaped(text: string): string {
  const names: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text.replace(/[&<>"']/g, (character) => names[character] ?? '')
}
