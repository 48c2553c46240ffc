// Files that survive a power cut, behind one door. Everything here waits for the disk (fsync); nothing knows what the
// bytes mean. For nodes only: a browser has no such files.

export { AppendFile, type AppendFileOptions } from './append-file.ts'
export { syncDirectory, writeFileAtomic } from './atomic-file.ts'
export { type DirectoryLock, lockDirectory } from './directory-lock.ts'
