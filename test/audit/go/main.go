// Checks an audit bundle with Go's own transparency-log packages and nothing of this project: the quorum of signatures on the
// checkpoint, the root over all leaves, the inclusion of each leaf of the sample, and that the log begins with an earlier one.
// Usage: main BUNDLE QUORUM. Exit code 0 and "holds" when everything does.
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	quorum, err := strconv.Atoi(os.Args[2])
	if err == nil {
		err = check(os.Args[1], quorum)
	}
	if err != nil {
		fmt.Println("does not hold:", err)
		os.Exit(1)
	}
	fmt.Println("holds")
}

func check(bundle string, quorum int) error {
	signed, err := os.ReadFile(filepath.Join(bundle, "checkpoint"))
	if err != nil {
		return err
	}
	verifiers, err := readVerifiers(filepath.Join(bundle, "verifier-keys"))
	if err != nil {
		return err
	}
	head, signers, err := openCheckpoint(signed, verifiers)
	if err != nil {
		return err
	}
	if signers < quorum {
		return fmt.Errorf("%d validators signed, a quorum is %d", signers, quorum)
	}
	reader := tiles{bundle}
	hashes := tlog.TileHashReader(head, reader)
	if err := checkLeaves(bundle, head, hashes); err != nil {
		return err
	}
	if err := checkSample(bundle, signed, head); err != nil {
		return err
	}
	return checkConsistency(bundle, signed, head, verifiers)
}

func readVerifiers(path string) (note.Verifiers, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list []note.Verifier
	for _, line := range strings.Fields(string(text)) {
		verifier, err := note.NewVerifier(line)
		if err != nil {
			return nil, err
		}
		list = append(list, verifier)
	}
	return note.VerifierList(list...), nil
}

func openCheckpoint(signed []byte, verifiers note.Verifiers) (tlog.Tree, int, error) {
	opened, err := note.Open(signed, verifiers)
	if err != nil {
		return tlog.Tree{}, 0, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 {
		return tlog.Tree{}, 0, fmt.Errorf("the checkpoint has not three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, 0, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, len(opened.Sigs), err
}

// Every leaf of the entry bundles, hashed again, is the one under the root.
func checkLeaves(bundle string, head tlog.Tree, hashes tlog.HashReader) error {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, index := range indexes {
			found = append(found, stored[index])
		}
		return found, nil
	})
	for index := int64(0); index < head.N; index++ {
		leaf, err := leafAt(bundle, head.N, index)
		if err != nil {
			return err
		}
		added, err := tlog.StoredHashes(index, leaf, reader)
		if err != nil {
			return err
		}
		stored = append(stored, added...)
	}
	root, err := tlog.TreeHash(head.N, reader)
	if err != nil {
		return err
	}
	if root != head.Hash {
		return fmt.Errorf("the leaves lead to another root")
	}
	// The tiles of hashes say the same. (Go's reader checks them against the root, but versions of it skip some full tiles.)
	for index := int64(0); index < head.N; index++ {
		at := tlog.StoredHashIndex(0, index)
		found, err := hashes.ReadHashes([]int64{at})
		if err != nil {
			return err
		}
		if found[0] != stored[at] {
			return fmt.Errorf("a tile has another hash for leaf %d", index)
		}
	}
	return nil
}

func checkSample(bundle string, signed []byte, head tlog.Tree) error {
	paths, err := filepath.Glob(filepath.Join(bundle, "sample", "*.tlog-proof"))
	if err != nil || len(paths) == 0 {
		return fmt.Errorf("no sample: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		proof, rest, found := strings.Cut(string(text), "\n\n")
		lines := strings.Split(proof, "\n")
		if !found || rest != string(signed) || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
			return fmt.Errorf("%s is no proof under this checkpoint", path)
		}
		leaf, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
		if err != nil {
			return err
		}
		index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
		if err != nil {
			return err
		}
		hashes, err := parseHashes(lines[3:])
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(hashes, head.N, head.Hash, index, tlog.RecordHash(leaf)); err != nil {
			return fmt.Errorf("%s: %v", path, err)
		}
	}
	return nil
}

func checkConsistency(bundle string, signed []byte, head tlog.Tree, verifiers note.Verifiers) error {
	earlier, err := os.ReadFile(filepath.Join(bundle, "previous-checkpoint"))
	if err != nil {
		return err
	}
	old, _, err := openCheckpoint(earlier, verifiers)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(bundle, "consistency"))
	if err != nil {
		return err
	}
	proof, rest, found := strings.Cut(string(text), "\n\n")
	lines := strings.Split(proof, "\n")
	if !found || rest != string(signed) || lines[0] != fmt.Sprintf("old %d", old.N) {
		return fmt.Errorf("consistency is of other checkpoints")
	}
	hashes, err := parseHashes(lines[1:])
	if err != nil {
		return err
	}
	return tlog.CheckTree(hashes, head.N, head.Hash, old.N, old.Hash)
}

func parseHashes(lines []string) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

// tlog-tiles: two bytes of length before each leaf, 256 leaves in a file.
func leafAt(bundle string, size, index int64) ([]byte, error) {
	width := size - index/256*256
	data, err := os.ReadFile(filepath.Join(bundle, tilePath("entries", index/256, width)))
	if err != nil {
		return nil, err
	}
	for skip := index % 256; ; skip-- {
		if len(data) < 2 || len(data) < 2+int(data[0])<<8+int(data[1]) {
			return nil, fmt.Errorf("leaf %d is cut short", index)
		}
		length := int(data[0])<<8 + int(data[1])
		if skip == 0 {
			return data[2 : 2+length], nil
		}
		data = data[2+length:]
	}
}

func tilePath(level string, n, width int64) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	if width < 256 {
		path += fmt.Sprintf(".p/%d", width)
	}
	return "tile/" + level + "/" + path
}

type tiles struct{ bundle string }

func (t tiles) Height() int { return 8 }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		data, err := os.ReadFile(filepath.Join(t.bundle, tilePath(strconv.Itoa(tile.L), tile.N, int64(tile.W))))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
