// Tests run from source. What `--import tsx` does for the main thread, this does for the others.

import { isMainThread } from 'node:worker_threads'

if (!isMainThread) {
  const { register } = await import('tsx/esm/api')
  register()
}
