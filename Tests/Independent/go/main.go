// SPDX-License-Identifier: Apache-2.0

// A client of our log that shares nothing with it: the packages that the Go checksum database is
// read with (golang.org/x/mod/sumdb/note and tlog, from Debian), and an adaptor for the paths of
// tiles. It reads a running server's /tally/v1/log or a mirror directory, and checks the signed
// checkpoint, every record of every bundle against the tree of the hash tiles, and that an older
// checkpoint is a prefix of the newest. From a server it also checks the proofs that are served.
//
//	tlogclient -base http://127.0.0.1:3068/tally/v1/log -key ledger.vkeys [-older checkpoint]
//
// Exit code 0 and one line when all holds, 1 and the reason when anything does not.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Tiles of C2SP tlog-tiles have 256 hashes.
const height = 8
const width = 1 << height

// No file of a log is larger: a bundle of 256 records of 65,535 bytes with their lengths.
const bytesMax = 256 * (65535 + 2)

type source struct{ base string }

func (s source) isServer() bool { return strings.HasPrefix(s.base, "http") }

func (s source) read(path string) ([]byte, error) {
	if !s.isServer() {
		return os.ReadFile(filepath.Join(s.base, filepath.FromSlash(path)))
	}
	answer, err := http.Get(s.base + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, bytesMax+1))
	if err == nil && len(body) > bytesMax {
		err = fmt.Errorf("%s: more than %d bytes", path, bytesMax)
	}
	return body, err
}

// The path of a tile: groups of three digits, and the width when it is not full.
func tilePath(level string, number int64, count int) string {
	digits := fmt.Sprintf("%03d", number%1000)
	for number >= 1000 {
		number /= 1000
		digits = fmt.Sprintf("x%03d/%s", number%1000, digits)
	}
	if count < width {
		digits += fmt.Sprintf(".p/%d", count)
	}
	return "tile/" + level + "/" + digits
}

// The adaptor that the tree of package tlog reads its hashes through.
type tileReader struct{ source }

func (tileReader) Height() int { return height }

func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		bytes, err := r.read(tilePath(strconv.Itoa(tile.L), tile.N, tile.W))
		if err != nil {
			return nil, err
		}
		if len(bytes) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("tile %v has %d bytes", tile, len(bytes))
		}
		all = append(all, bytes)
	}
	return all, nil
}

func (tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

// Opens a signed checkpoint: a tree of at least one record.
func open(bytes []byte, keys note.Verifiers) (tlog.Tree, error) {
	opened, err := note.Open(bytes, keys)
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("checkpoint: %w", err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != opened.Sigs[0].Name {
		return tlog.Tree{}, errors.New("checkpoint: not origin, size and root, or another origin")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 1 || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, fmt.Errorf("checkpoint: size %q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("checkpoint: %w", err)
	}
	return tlog.Tree{N: size, Hash: root}, nil
}

// Checks every record of every bundle against the root, by proofs made from the tiles.
func checkRecords(from source, tree tlog.Tree, hashes tlog.HashReader) error {
	for first := int64(0); first < tree.N; first += width {
		count := int(tree.N - first)
		if count > width {
			count = width
		}
		path := tilePath("entries", first/width, count)
		bundle, err := from.read(path)
		if err != nil {
			return err
		}
		for index := first; index < first+int64(count); index++ {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return fmt.Errorf("%s: ends within record %d", path, index)
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			leaf := tlog.RecordHash(bundle[2:end])
			bundle = bundle[end:]
			proof, err := tlog.ProveRecord(tree.N, index, hashes)
			if err != nil {
				return err
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf); err != nil {
				return fmt.Errorf("record %d: %w", index, err)
			}
			if from.isServer() && index%97 == 0 {
				if err := checkServed(from, tree, index, leaf); err != nil {
					return err
				}
			}
		}
		if len(bundle) != 0 {
			return fmt.Errorf("%s: %d bytes behind its records", path, len(bundle))
		}
	}
	return nil
}

type served struct {
	Data struct {
		Leaf  string   `json:"leaf_hash"`
		Proof []string `json:"proof"`
	} `json:"data"`
}

func readProof(from source, path string) ([]tlog.Hash, served, error) {
	var answer served
	bytes, err := from.read(path)
	if err != nil {
		return nil, answer, err
	}
	if err := json.Unmarshal(bytes, &answer); err != nil {
		return nil, answer, fmt.Errorf("%s: %w", path, err)
	}
	var hashes []tlog.Hash
	for _, text := range answer.Data.Proof {
		hash, err := tlog.ParseHash(text)
		if err != nil {
			return nil, answer, fmt.Errorf("%s: %w", path, err)
		}
		hashes = append(hashes, hash)
	}
	return hashes, answer, nil
}

// Checks the proof that the server itself gives for a record.
func checkServed(from source, tree tlog.Tree, index int64, leaf tlog.Hash) error {
	path := fmt.Sprintf("proof/inclusion?index=%d&size=%d", index, tree.N)
	hashes, answer, err := readProof(from, path)
	if err != nil {
		return err
	}
	if answer.Data.Leaf != base64.StdEncoding.EncodeToString(leaf[:]) {
		return fmt.Errorf("%s: another leaf hash", path)
	}
	if err := tlog.CheckRecord(hashes, tree.N, tree.Hash, index, leaf); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Checks that an older tree is a prefix, by the tiles and by the server's own proof.
func checkPrefix(from source, old, tree tlog.Tree, hashes tlog.HashReader) error {
	proof, err := tlog.ProveTree(tree.N, old.N, hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		return fmt.Errorf("older checkpoint of %d records: %w", old.N, err)
	}
	if !from.isServer() || old.N == tree.N {
		return nil
	}
	path := fmt.Sprintf("proof/consistency?from=%d&to=%d", old.N, tree.N)
	given, _, err := readProof(from, path)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(given, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func readKeys(path string) (note.Verifiers, error) {
	bytes, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var keys []note.Verifier
	for _, line := range strings.Fields(string(bytes)) {
		key, err := note.NewVerifier(line)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		keys = append(keys, key)
	}
	return note.VerifierList(keys...), nil
}

func run(base, key, older string) (tlog.Tree, error) {
	from := source{strings.TrimRight(base, "/")}
	keys, err := readKeys(key)
	if err != nil {
		return tlog.Tree{}, err
	}
	bytes, err := from.read("checkpoint")
	if err != nil {
		return tlog.Tree{}, err
	}
	tree, err := open(bytes, keys)
	if err != nil {
		return tree, err
	}
	hashes := tlog.TileHashReader(tree, tileReader{from})
	if err := checkRecords(from, tree, hashes); err != nil {
		return tree, err
	}
	if older == "" {
		return tree, nil
	}
	earlier, err := os.ReadFile(older)
	if err != nil {
		return tree, err
	}
	old, err := open(earlier, keys)
	if err != nil {
		return tree, err
	}
	return tree, checkPrefix(from, old, tree, hashes)
}

func main() {
	base := flag.String("base", "", "prefix of a server's log, or a mirror directory")
	key := flag.String("key", "", "file of public keys, one a line")
	older := flag.String("older", "", "file with an older signed checkpoint")
	flag.Parse()
	tree, err := run(*base, *key, *older)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tlogclient:", err)
		os.Exit(1)
	}
	fmt.Printf("verified %d records, root %v\n", tree.N, tree.Hash)
}
