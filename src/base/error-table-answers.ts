// The codes of queries, updates, receipts and HTTP. Part of error-table.ts.

export const answerErrors = {
  // Queries.
  QUERY_FORBIDDEN: {
    exit: 7,
    sentence: 'The query or update asks for something that this node does not do here.',
    next: 'Leave out SERVICE, LOAD and CREATE; send updates by POST, with `quadrille update` or `quadrille submit`.',
  },
  UPDATE_UNSIGNED: {
    exit: 7,
    sentence: 'A change needs the signature of an application, and this node has no key of one.',
    next: 'Use `quadrille update` or `update` of quadrille/client: they sign here what the node computes.',
  },
  MEDIA_TYPE_UNKNOWN: {
    exit: 2,
    sentence: 'The content type is not one that is taken here.',
    next: 'Send what docs/http.md names for this address.',
  },
  QUERY_TIMEOUT: {
    exit: 5,
    sentence: 'The query took longer than it may.',
    next: 'Bind more terms, add LIMIT, or ask the operator to raise limits.queryTimeoutS.',
  },
  QUERY_MEMORY: {
    exit: 4,
    sentence: 'The query needed more memory than it may.',
    next: 'Bind more terms, or ask for less to be joined, grouped or ordered at once.',
  },
  READ_UNCONFIRMED: {
    exit: 5,
    sentence: 'This node could not make sure in time that its copy holds all that was acknowledged.',
    next: 'Ask again, or ask with consistency local for what this node has now.',
  },
  QUERY_CANCELLED: {
    exit: 5,
    sentence: 'The query was cancelled by the one who asked.',
    next: 'Ask again.',
  },
  QUERY_FAILED: {
    exit: 4,
    sentence: 'The query could not be evaluated.',
    next: 'Read the reason given; if the query is right SPARQL 1.1, report it.',
  },
  RESULT_TOO_LARGE: {
    exit: 4,
    sentence: 'The answer has more rows than it may.',
    next: 'Add LIMIT and OFFSET, or ask the operator to raise limits.resultRowsMax.',
  },
  NOT_ACCEPTABLE: {
    exit: 2,
    sentence: 'No format that was asked for can hold this kind of answer.',
    next: 'Ask for SPARQL results as JSON, XML, CSV or TSV, and for triples as N-Triples, Turtle or N-Quads.',
  },
  // HTTP.
  HTTP_UNPROTECTED: {
    exit: 3,
    sentence: 'HTTP without client authentication is served to this machine only.',
    next: 'Bind 127.0.0.1 and put a proxy that authenticates in front of it, or reach it through an SSH tunnel.',
  },
  HOST_REFUSED: {
    exit: 7,
    sentence: 'The request names a host, or comes from a web page, that is not of this machine.',
    next: 'Use http://127.0.0.1 with the port of the node.',
  },
  NOT_FOUND: {
    exit: 4,
    sentence: 'There is nothing here by that name.',
    next: 'Check the address: docs/http.md lists what a node answers.',
  },
  RECEIPT_UNKNOWN: {
    exit: 5,
    sentence: 'This node has no such receipt of that transaction.',
    next: 'Check its id; if it was sent a moment ago, ask again: only what a quorum executed has a final receipt.',
  },
  RECEIPT_INVALID: {
    exit: 1,
    sentence: 'The receipt does not prove what it says.',
    next: 'Rely on nothing in it; ask a node of another organisation for the receipt of that transaction.',
  },
  RECEIPT_NOT_SUCCESS: {
    exit: 1,
    sentence: 'The receipt holds, but it does not say that the transaction was carried out.',
    next: 'Ask for the final receipt where this one is only ordered; else read its outcome with `quadrille explain`.',
  },
  HEIGHT_UNKNOWN: {
    exit: 4,
    sentence: 'This node has no block of that height.',
    next: 'Ask /status for its height; a node that catches up will have it later.',
  },
} as const
