// VERIFY.md of a bundle: how to check it with sha256sum and openssl, and with ours. docs/audit-verification.md says more.

import type { LedgerId, Sequence } from '../base/ids.ts'
import { consortiumOrigin } from './note.ts'

export function verifyGuide(ledger: LedgerId, head: { readonly height: Sequence; readonly size: number }): string {
  return `# How to check this folder

It is the audit log of the ledger \`${ledger}\`
up to block ${head.height}, ${head.size} leaves. Compare that name with one that you have from somewhere else than this
folder: your organisation's copy of \`genesis.json\`, or a colleague at another member. Everything rests on it.

## 1. Nothing was changed since the export (coreutils)

    sha256sum --check --strict --quiet SHA256SUMS

Somebody who changes a file can change this list as well. What follows cannot be redone without the members' keys.

## 2. Everything (quadrille)

    quadrille audit verify . --genesis /path/to/your/own/genesis.json

It executes every block again and checks every signature, leaf, tile, result and payload. Exit code 0: all holds. Exit
code 1: each failure is named with its file and leaf.

## 3. A validator's signature on the log (openssl)

\`checkpoint\` is a C2SP signed note over the log's name, size and root; \`verifier-keys\` are the validators' keys.
The first signature, without any program of ours:

    sed '/^$/,$d' checkpoint > text
    line=$(sed '1,/^$/d' checkpoint | head -n 1)
    name=$(echo "$line" | cut -d ' ' -f 2)
    echo "$line" | cut -d ' ' -f 3 | base64 -d | tail -c 64 > signature
    { printf '\\060\\052\\060\\005\\006\\003\\053\\145\\160\\003\\041\\000'
      grep -F "$name+" verifier-keys | sed 's/^[^+]*+[^+]*+//' | base64 -d | tail -c 32; } > key.der
    openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in text -sigfile signature

(Do this in a copy: it leaves three files that the manifest does not list.)

## 4. The tree (any C2SP tlog-tiles reader)

\`tile/\` holds the hashes and entries of the log as https://c2sp.org/tlog-tiles describes, \`checkpoint\` its root, and
the name of the log is \`${consortiumOrigin(ledger)}\`. Go's golang.org/x/mod/sumdb/tlog and note read all of it.

## To read

\`events/\` has one line of JSON for each leaf: one for every block, one for every transaction, with its outcome.
`
}
