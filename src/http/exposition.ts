// The text format of Prometheus (version 0.0.4), as lines. Written here and not taken from a library: a node's figures are
// counted by the parts that they are of and only read when somebody asks, so a registry beside them would be a second truth.

import type { HistogramFigures } from '../base/histogram.ts'

export const metricsMediaType = 'text/plain; version=0.0.4; charset=utf-8'

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export type Lines = readonly string[]

export function gauge(name: string, help: string, value: number | readonly Sample[]): Lines {
  return family(name, 'gauge', help, value)
}

export function counter(name: string, help: string, value: number | readonly Sample[]): Lines {
  return family(name, 'counter', help, value)
}

export function histogram(name: string, help: string, { atMost, count, sum }: HistogramFigures): Lines {
  return [
    ...head(name, 'histogram', help),
    ...atMost.map((each) => `quadrille_${name}_bucket{le="${each.seconds}"} ${each.count}`),
    `quadrille_${name}_bucket{le="+Inf"} ${count}`,
    `quadrille_${name}_sum ${sum}`,
    `quadrille_${name}_count ${count}`,
  ]
}

/** One sample for each entry, its key under `label`. */
export function labelled(label: string, values: Iterable<readonly [string, number]>): readonly Sample[] {
  return [...values].map(([key, value]) => ({ labels: { [label]: key }, value }))
}

function family(name: string, type: 'gauge' | 'counter', help: string, value: number | readonly Sample[]): Lines {
  const samples = typeof value === 'number' ? [{ labels: {}, value }] : value
  return [
    ...head(name, type, help),
    ...samples.map((sample) => `quadrille_${name}${labelsOf(sample)} ${numberOf(sample)}`),
  ]
}

function head(name: string, type: string, help: string): Lines {
  return [`# HELP quadrille_${name} ${help}`, `# TYPE quadrille_${name} ${type}`]
}

function labelsOf({ labels }: Sample): string {
  const written = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`)
  return written.length === 0 ? '' : `{${written.join(',')}}`
}

function escaped(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
}

function numberOf({ value }: Sample): string {
  return value === Number.POSITIVE_INFINITY ? '+Inf' : String(value)
}
