// Codes of what stands at rest: keys, files, backups (error-table.ts says what an entry is).

export const storageErrors = {
  // Keys and files at rest.
  RECORD_TAMPERED: {
    exit: 1,
    sentence: 'A stored record is not what was written: it was changed, moved or cut short.',
    next: 'Stop the node, keep a copy of its folder as evidence, and rebuild it with `quadrille store repair`.',
  },
  KEY_EXHAUSTED: {
    exit: 5,
    sentence: 'A data key has sealed as many records as it safely may.',
    next: 'Rotate the data keys of this store.',
  },
  STORE_LOCKED: {
    exit: 6,
    sentence: 'Another process has this folder open.',
    next: 'Stop the other process, or give this one a folder of its own.',
  },
  FORMAT_UNSUPPORTED: {
    exit: 3,
    sentence: 'The file has a format that this version does not know; it was left untouched.',
    next: 'Use the version that wrote it, or a newer one.',
  },
  UNLOCK_FAILED: {
    exit: 6,
    sentence: 'The root key could not be had.',
    next: 'Check the unlock section of node.yaml and who may read the key file.',
  },
  KEY_CHECK_FAILED: {
    exit: 6,
    sentence: 'The root key is not the one that these files were sealed under.',
    next: 'Unlock with the key that this node was made with.',
  },
  ROTATION_UNFINISHED: {
    exit: 5,
    sentence: 'The rotation ended before nothing was left under the old keys.',
    next: "Read why in the node's log and rotate again: what is sealed anew stays so.",
  },
  CONTENT_DIVERGED: {
    exit: 1,
    sentence: 'Two things that must say the same of the stored quads do not.',
    next: 'Keep a copy of its files: they show what happened. Then rebuild it with `quadrille store repair`.',
  },
  KDF_PARAMETERS_REFUSED: {
    exit: 6,
    sentence: 'The file that says how to stretch the passphrase asks for more than any node of ours does.',
    next: 'Put back keys/unlock.json from a backup; somebody may have changed it.',
  },
  KEY_MISSING: {
    exit: 6,
    sentence: 'A live record is sealed under a key that is not here.',
    next: 'Put back the keys folder of this node, or fetch what it lacks with `quadrille store repair`.',
  },
  QUERY_ABORTED_BY_ERASURE: {
    exit: 5,
    sentence: 'An item was erased while this query was reading, so its answer would mix two states.',
    next: 'Ask again: the new answer is without the erased item.',
  },
  JOURNAL_MISSING: {
    exit: 1,
    sentence: 'This node has executed blocks but its journal is gone: it may have voted on what it no longer knows.',
    next: 'Put its journal back as it was last, or start it with `quadrille start --recover`: it fetches everything from the others, and votes once they said what it signed.',
  },
  BACKUP_INTERRUPTED: {
    exit: 5,
    sentence: 'The backup was interrupted: the node stopped, or an erasure came, which no backup may outlast.',
    next: 'Run the same command again; what was written already is not written twice.',
  },
  BACKUP_DAMAGED: {
    exit: 1,
    sentence: 'The backup is not what was written: a part of it is missing, or is another one.',
    next: 'Make it again with `quadrille backup`, or restore from another one.',
  },
  BACKUP_EXPIRED: {
    exit: 7,
    sentence: 'The backup of the key bag has ended: keys in it may be of items that were erased since.',
    next: 'Restore without it and run `quadrille store repair`: the other members give what they still have.',
  },
  BACKUPS_UNDECLARED: {
    exit: 3,
    sentence: 'This node says in every erasure report that it has no backups.',
    next: 'Set backups.keptDays in node.yaml to the days for which you keep them, start the node again and repeat this.',
  },
  RESTORE_REFUSED: {
    exit: 3,
    sentence: 'The backup cannot be restored here.',
    next: 'Restore a PBFT node into a home of its own that holds nothing yet; see docs/store.md.',
  },
  RESTORE_UNFINISHED: {
    exit: 3,
    sentence: 'This home is being restored from a backup and is not whole yet.',
    next: 'Run `quadrille restore` again with the same backup: it goes on where it stopped.',
  },
  REPAIR_UNFINISHED: {
    exit: 3,
    sentence: 'The store of this node is to be rebuilt before it may run.',
    next: 'Run `quadrille store repair` while other members run; it goes on where it stopped.',
  },
  STORAGE_FAILED: {
    exit: 5,
    sentence: 'The disk did not take or give what it should; nothing more is written.',
    next: 'Check space, rights and health of the disk, then start the node again.',
  },
} as const
