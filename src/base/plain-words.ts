// What somebody else's parser or engine says of a text, without what it quotes from it. Errors go to terminals, logs and tickets,
// and must not carry personal data there; what a library may quote, and how, nobody can know. So only words of this list pass.

const words: ReadonlySet<string> = new Set(
  `
  a absolute active add after aggregate aggregated aggregates aliasing all allow allowed allows already ambiguous an and
  annotation annotations another any anywhere appear are argument arguments arity array as at attempt attempted attribute
  attributes available bad base basic be because before between bind blank blanknode blanknodes block boolean both bound but by
  bytes call can cannot cast certain char character characters clause clauses close closed closing codepoint coerce comment
  compound configured conflicting contain containers context contexts convert correct create creation cyclical data datatype
  datatypes declaration declarations declared deeper default definition detected different direction directional directions
  directive disallowed doctype document documents does dot duplicate either element elements embedded empty encoding end entity
  entries entry eof equality error escape evaluate evaluator exactly expansion expect expected expecting explicit expression
  failed few first follow followed for forward-slash found from function functions got graph graphs has have header id illegal
  impossible in inappropriately inclusions incompatible incomplete incorrect index input inline inside instruction instructions
  integer invalid invocation iri iris is its json json-ld key keys keyword keywords label langcode language languaged-tagged
  length level levels lexical list literal literals load loading located longer malformed map mapped mapping match may media
  memory method missing mode more multiple must name named namespace ncname neighbouring nested new no node nodes non
  non-matching non-string not null number object occurrences of on once one only opening operation operations operator or order
  other out outside overflow pair pairs parse parser parsing path pattern patterns position predicate prefix prefixed present
  processing projection properties property property-based protected punctuation quad quads quoted quotes range redefinition
  reified relative remote require required resolve resource reuse reverse root same sequence set single size some something
  stack standalone start state statements string strings subject subquery subtag supported surrogate syntax tag tags target term
  terms test text than that the there this time timezone to token tokens too top-level triple triples tried two type typeiri
  types unable unbound unclosed undefine undefined unexpected ungrouped unicode unknown unmatched unquoted unsupported update use
  used using valid value values variable variables version vocab was well when where which while whitespace wildcard with within
  without xml
  body component content-length did exceeding max param request url

  select construct describe ask group having distinct insert delete in coalesce union minus optional filter service values
  rdf:about rdf:id rdf:nodeid rdf:resource rdf:datatype rdf:parsetype rdf:bagid rdf:li rdf:abouteach rdf:abouteachprefix rdf:*
  non-rdf:* @base @container @context @direction @graph @id @import @included @index @json @language @list @nest @none @prefix
  @propagate @protected @reverse @set @type @value @version @vocab @forall @forsome utf-8
`
    .trim()
    .split(/\s+/),
)

const charactersMax = 160

/** The words of the list, and an ellipsis in the place of everything else. */
export function plainWords(message: string): string {
  const plain = message
    .trim()
    .split(/\s+/)
    .map((word) => (isPlain(word) ? word : '\u2026'))
    .join(' ')
    .replace(/\u2026( \u2026)+/g, '\u2026')
  return plain.length > charactersMax ? `${plain.slice(0, charactersMax - 1)}\u2026` : plain
}

function isPlain(word: string): boolean {
  const bare = word.replace(/^['"`(<[]+/, '').replace(/['"`)>\].,:;]+$/, '')
  return words.has(bare.toLowerCase()) || !/[\p{L}\p{N}]/u.test(bare)
}
