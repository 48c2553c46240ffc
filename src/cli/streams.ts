// What becomes of a process whose reader goes away: `quadrille dump | head`, a log collector that is restarted. A node
// goes on without it; a command that has nobody to answer ends.

/** Writes to a stream whose reader is gone are lost, and nothing else happens. */
export function outliveReaders(...streams: readonly NodeJS.WriteStream[]): void {
  for (const stream of streams) {
    stream.removeAllListeners('error')
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!isReaderGone(error)) throw error
    })
  }
}

/** Ends the process when nobody reads its answer any more; what it says to people is not missed. */
export function endWithReader(out: NodeJS.WriteStream, err: NodeJS.WriteStream): void {
  outliveReaders(err)
  out.on('error', (error: NodeJS.ErrnoException) => {
    if (!isReaderGone(error)) throw error
    process.exit(0)
  })
}

function isReaderGone({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'EIO'
}

/** The first signal asks to stop; a second one ends the process as signals do. */
export function endOfProcess(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal))
  })
}
