// report.html of a bundle: who did what and when, on one page without scripts, for a screen in light or dark and for paper. It
// says what it rests on before it says anything else. All text from the ledger is escaped.

import type { LedgerId, OrganisationId } from '../base/ids.ts'
import type { FaultModel } from '../consensus/quorum.ts'
import type { EventView, ViewFilter } from './filter.ts'
import type { TreeHead } from './log.ts'
import type { Processing } from './replay.ts'
import { reportStyle } from './report-style.ts'
import type { Listed, ReportTotals } from './report-totals.ts'

export interface ReportFacts {
  readonly ledger: LedgerId
  readonly faults: FaultModel
  readonly filter: readonly ViewFilter[]
  readonly reader: OrganisationId | undefined
  readonly head: TreeHead
  readonly height: number
  readonly validators: number
  readonly quorum: number
  readonly register: readonly Processing[]
}

export function reportPage(facts: ReportFacts, totals: ReportTotals): string {
  const sections = [
    heading(facts, totals),
    trust(facts),
    figures(totals),
    activity(totals),
    events(
      'Erasures and holds',
      totals.erasures,
      'Orders to erase, attestations that it was done, and holds against it.',
    ),
    events('Keys', totals.keys, 'Keys of applications that were enrolled or ended.'),
    events(
      'Governance',
      totals.governance,
      'Members, nodes, policies, graphs and rules, and evidence against validators.',
    ),
    events('Refused', totals.refused, 'Ordered, but without effect: the outcome says why.'),
    register(facts.register),
    gaps(facts, totals),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Audit report</title>
<style>${reportStyle}</style>
</head>
<body>
<main>
${sections.join('\n')}
</main>
</body>
</html>
`
}

function heading({ height, head }: ReportFacts, { totals }: ReportTotals): string {
  return `<header>
<p class="kicker">Quadrille · audit report</p>
<h1>What happened from ${day(totals.first)} to ${day(totals.last)}</h1>
<p class="lead">${number(totals.transactions)} transactions in ${number(height)} blocks, ${number(head.size)} entries of the log.</p>
</header>`
}

function trust({ ledger, head, validators, quorum, faults }: ReportFacts): string {
  return `<section class="trust">
<h2>Compare this first</h2>
<p>Everything below belongs to the ledger with this name. Compare it with one that you have <strong>from somewhere else than
this folder</strong>: your own copy of <code>genesis.json</code>, or a colleague at another member.</p>
<p class="name">${grouped(ledger)}</p>
<dl>
<dt>Root of the log</dt><dd><code>${grouped(head.root)}</code></dd>
<dt>Signed by</dt><dd>at least ${quorum} of ${validators} validators, if <code>quadrille audit verify</code> says that this folder holds</dd>
<dt>Bears</dt><dd>${faults === 'byzantine' ? 'validators that lie, as long as they are fewer than a third' : 'machines that fail, but no member whose software lies'}</dd>
</dl>
<p>A page can be forged; this one is checked byte for byte by the verifier. VERIFY.md says how, also with other tools.</p>
</section>`
}

function figures({ totals, erasures, keys, refused }: ReportTotals): string {
  const figure = (value: number, what: string): string => `<li><b>${number(value)}</b> ${what}</li>`
  return `<ul class="figures">
${figure(totals.items, 'items written')}
${figure(totals.erased, 'items erased by order')}
${figure(erasures.total, 'acts of erasure')}
${figure(keys.total, 'acts on keys')}
${figure(refused.total, 'refused')}
</ul>`
}

function activity({ counts, months }: ReportTotals): string {
  const most = Math.max(1, ...months.values())
  const rows = [...counts].sort().map(([name, count]) => {
    const [organisation = '', act = '', outcome = ''] = name.split(' ')
    return row([escaped(organisation), escaped(act), outcomeCell(outcome), `<span class="n">${number(count)}</span>`])
  })
  const bars = [...months]
    .sort()
    .map(
      ([month, count]) =>
        `<tr><th scope="row">${month}</th><td><meter max="${most}" value="${count}">${count}</meter></td><td class="n">${number(count)}</td></tr>`,
    )
  return `<section>
<h2>Who did what</h2>
${table(['Organisation', 'Act', 'Outcome', 'Times'], rows)}
<h2>When</h2>
<table class="bars"><tbody>
${bars.join('\n')}
</tbody></table>
</section>`
}

function events(title: string, { shown, total }: Listed<EventView>, about: string): string {
  const rows = shown.map(({ time, organisation, act, outcome, height, seq, tx }) =>
    row([
      `<time>${moment(time)}</time>`,
      escaped(organisation),
      escaped(act),
      outcomeCell(outcome),
      `<span class="n">${height}</span>`,
      `<span class="n">${seq}</span>`,
      `<code title="${escaped(tx)}">${escaped(tx.slice(0, 12))}…</code>`,
    ]),
  )
  const more =
    total > shown.length
      ? `<p>The first ${number(shown.length)} of ${number(total)}; all are in <code>csv/</code> and <code>acts/</code>.</p>`
      : ''
  return `<section>
<h2>${title}</h2>
<p>${about}</p>
${total === 0 ? '<p class="none">None.</p>' : table(['Time (UTC)', 'Organisation', 'Act', 'Outcome', 'Block', 'Leaf', 'Transaction'], rows)}
${more}
</section>`
}

function register(processing: readonly Processing[]): string {
  const rows = processing.map(({ name, controller, kind, purpose, legalBasis, retentionDays, audience }) =>
    row([
      escaped(name),
      escaped(controller),
      escaped(kind),
      escaped(purpose),
      escaped(legalBasis),
      retentionDays === 0 ? 'no period' : `${number(retentionDays)} days`,
      audience.length === 0 ? 'all members' : escaped(audience.join(', ')),
    ]),
  )
  return `<section>
<h2>Register of processing</h2>
<p>From the policies in force at the last block, as Article 30 of the GDPR asks.</p>
${table(['Policy', 'Controller', 'Class', 'Purpose', 'Legal basis', 'Kept for', 'Held by'], rows)}
</section>`
}

function gaps({ filter, reader }: ReportFacts, { totals, quiet }: ReportTotals): string {
  const left = totals.transactions - totals.shown
  const filters = filter.map(({ field, value }) => `${field} ${escaped(value)}`).join(', ')
  const stretches = quiet.shown.map(({ from, to }) => `<li>${moment(from)} to ${moment(to)}</li>`)
  return `<section>
<h2>What this page does not show</h2>
<ul>
<li>${filter.length === 0 ? 'No filter was set: every transaction is counted.' : `The filter (${filters}) left ${number(left)} of ${number(totals.transactions)} transactions out of the tables and counts above. They are all in the log.`}</li>
<li>${number(totals.withheld)} of ${number(totals.items)} items are not for ${reader === undefined ? 'everybody, and this folder was made for nobody in particular' : escaped(reader)}: only their commitments are here.</li>
<li>${number(totals.erased)} items were erased by order: that they were, and by whom, is here; what they said is not.</li>
<li>${quiet.total === 0 ? 'No hour passed without a block.' : `${number(quiet.total)} times an hour or more passed without a block:<ol>${stretches.join('')}</ol>`}</li>
<li>What was read, and by whom, is in each node's own log and not on the ledger.</li>
</ul>
</section>`
}

function table(head: readonly string[], rows: readonly string[]): string {
  const cells = head.map((name) => `<th scope="col">${name}</th>`).join('')
  return `<div class="wide"><table><thead><tr>${cells}</tr></thead><tbody>\n${rows.join('\n')}\n</tbody></table></div>`
}

const row = (cells: readonly string[]): string => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`
const outcomeCell = (outcome: string): string =>
  `<span class="${outcome === 'OK' ? 'ok' : 'no'}">${escaped(outcome)}</span>`
const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
const moment = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
const number = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, '\u202f')
const grouped = (hex: string): string => hex.replace(/.{8}(?=.)/g, '$& ')

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
