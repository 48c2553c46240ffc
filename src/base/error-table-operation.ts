// Codes of a node in operation: its disk, its clock, and messages that come too late or too early. Part of error-table.ts.

export const operationErrors = {
  DISK_LOW: {
    exit: 5,
    sentence:
      'The disk has less free space than limits.diskFreeMinGiB asks for, so this node takes no new transactions.',
    next: 'Free space on the disk of the node; it takes them again by itself. Until then another node does.',
  },
  STALE_MESSAGE: {
    exit: 4,
    sentence: 'A validator sent a vote or a view change of a round that was left, or of a block that was settled.',
    next: 'Nothing: the message was dropped. Many of one peer mean that it is slow, or that somebody replays what it said.',
  },
  OUTSIDE_WINDOW: {
    exit: 4,
    sentence: 'A validator sent a vote for a round or a height that is further ahead than this node looks.',
    next: 'Nothing: the message was dropped. If this node is behind, it catches up by itself; `quadrille doctor` says so.',
  },
  CLOCK_SKEW: {
    exit: 5,
    sentence: 'The clock of this machine leapt, or differs from those of the other nodes.',
    next: 'Let an NTP service set it. Expiry goes by block time; beyond two minutes this node votes for no new batch.',
  },
} as const
