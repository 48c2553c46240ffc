// One request to a node, tried again while the node is away or busy. Every request may be repeated: a transaction is
// executed at most once, so the same bytes get the same answer however often they are sent. Runs in a browser.

import { type ErrorCode, errorTable } from '../base/error-table.ts'
import { type ErrorDetails, LedgerError } from '../base/errors.ts'

interface RequestOptions {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  readonly signal?: AbortSignal | undefined
}

export interface Requester {
  /**
   * A successful answer, its body not yet read.
   * @throws LedgerError what the node says; NODE_UNREACHABLE after the last try; the signal's reason when it aborts.
   */
  send(path: string, options?: RequestOptions): Promise<Response>
}

export interface RequesterOptions {
  /** http://127.0.0.1:4780 */
  readonly endpoint: string
  readonly fetch: typeof fetch
  /** How long to try again, from the first try on. */
  readonly retryMs: number
}

/** Answers after which the same request may succeed. */
const passing = new Set([429, 502, 503, 504])
const firstDelayMs = 100
const delayMaxMs = 5_000

export function openRequester({ endpoint, fetch: ask, retryMs }: RequesterOptions): Requester {
  return {
    async send(path, options = {}) {
      const until = Date.now() + retryMs
      for (let delay = firstDelayMs; ; delay = Math.min(2 * delay, delayMaxMs)) {
        const answer = await attempt(ask, new URL(path, endpoint), options)
        if (answer instanceof Response && answer.ok) return answer
        const error = answer instanceof Response ? await problemOf(answer) : answer
        const again = answer instanceof Response ? passing.has(answer.status) : true
        // Spread out, so that clients that were refused together do not come back together.
        const wait =
          (answer instanceof Response ? retryAfterMs(answer) : undefined) ?? delay * (0.5 + Math.random() / 2)
        if (!again || Date.now() + wait > until) throw error
        await pause(wait, options.signal)
      }
    },
  }
}

async function attempt(ask: typeof fetch, url: URL, options: RequestOptions): Promise<Response | LedgerError> {
  const { method = 'GET', headers = {}, body, signal } = options
  try {
    return await ask(url, {
      method,
      headers,
      redirect: 'error',
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    })
  } catch (cause) {
    signal?.throwIfAborted()
    return new LedgerError('NODE_UNREACHABLE', { endpoint: url.origin }, cause)
  }
}

/** An RFC 9457 problem with our code becomes the error that the node had. */
async function problemOf(answer: Response): Promise<LedgerError> {
  let problem: unknown
  try {
    problem = await answer.json()
  } catch (cause) {
    return new LedgerError('ANSWER_UNEXPECTED', { status: answer.status }, cause)
  }
  const { code, details } = (typeof problem === 'object' && problem !== null ? problem : {}) as Record<string, unknown>
  if (!isErrorCode(code)) return new LedgerError('ANSWER_UNEXPECTED', { status: answer.status })
  return new LedgerError(code, detailsOf(details))
}

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorTable, code)
}

/** Only what can be told: texts, numbers and yes or no. */
function detailsOf(details: unknown): ErrorDetails {
  if (typeof details !== 'object' || details === null) return {}
  return Object.fromEntries(
    Object.entries(details).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value)),
  ) as ErrorDetails
}

/** In seconds, as nodes say it (RFC 9110, section 10.2.3). */
function retryAfterMs(answer: Response): number | undefined {
  const text = answer.headers.get('retry-after')
  return text !== null && /^\d{1,6}$/.test(text) ? 1000 * Number(text) : undefined
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
}
