package builtin

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// The bounds of what is packed and unpacked. The ratio only counts from ratioFrom on: small files of one letter are harmless.
const (
	maxUnpacked = 32 << 20 // bytes in sum
	maxFiles    = 1000
	maxRatio    = 200
	ratioFrom   = 1 << 20
	maxFileName = 1024 // bytes
)

func zipComponent() *component.Component {
	return &component.Component{
		ID: "zip", DisplayName: "Zip", Description: "Pack and unpack files.",
		Actions: []component.Action{
			dataAction("compressGzip", "Compress Gzip", "Packs a file with gzip. The same file gives the same bytes.", "The packed file as bytes of the content type application/gzip.",
				[]ipaas.InputField{dataField("file", "File Data", "The file: a text by its UTF-8, bytes as they are, anything else as JSON; at most 32 MiB.")}, packGzip),
			dataAction("decompressGzip", "Decompress Gzip", "Unpacks a file that gzip packed.", "The file as bytes; their content type is told by how they begin.",
				[]ipaas.InputField{dataField("file", "Gzip File Data", "The packed file, as bytes or as text that is base64 of them. Unpacked it is at most 32 MiB, "+
					"and from 1 MiB on at most 200 times as large as packed.")}, unpackGzip),
			dataAction("zip", "Zip", "Packs files into a Zip archive. The same files give the same bytes.", "The archive as bytes of the content type application/zip.",
				[]ipaas.InputField{dataField("files", "Files", "An object with the names of the files as keys, and what is in them as values, or a list as `unzip` gives it; at most 1000 files and 32 MiB. "+
					"Slashes in names make folders.")}, packZip),
			dataAction("unzip", "Unzip", "Unpacks a Zip archive. Folders are left out. An archive with an absolute name, with .. in a name or with a name twice is refused.",
				"A list of the files in their order, each with `name`, `path` (its folders, ending in a slash; empty at the top) and `data` (its bytes).",
				[]ipaas.InputField{dataField("file", "Zip File Data", "The archive, as bytes or as text that is base64 of them. Unpacked it is at most 1000 files and 32 MiB, "+
					"and from 1 MiB on no file may be more than 200 times as large as packed.")}, unpackZip),
		},
	}
}

// packedBytes returns an input that is packed: bytes, or text that is base64 of them.
func packedBytes(in component.Inputs, key string) ([]byte, error) {
	v := contentInput(in, key)
	data, isText, ok := encodedData(v)
	if !ok {
		return nil, wrongKind(key, v, "bytes, or text that is base64 of them")
	}
	if !isText {
		return data, nil
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(data)))
	if err != nil {
		return nil, fmt.Errorf("input %q is a text that is no base64: give bytes", key)
	}
	return decoded, nil
}

func packGzip(in component.Inputs) (any, error) {
	data := bytesOf(contentInput(in, "file"))
	if len(data) > maxUnpacked {
		return nil, fmt.Errorf("input %q is larger than %d MiB", "file", maxUnpacked>>20)
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		return nil, inInput("file", err)
	}
	if err := w.Close(); err != nil {
		return nil, inInput("file", err)
	}
	return value.Bytes{Data: b.Bytes(), ContentType: "application/gzip"}, nil
}

func unpackGzip(in component.Inputs) (any, error) {
	const key = "file"
	packed, err := packedBytes(in, key)
	if err != nil {
		return nil, err
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("input %q is not what gzip makes", key)
	}
	data, err := unpack(r, len(packed), maxUnpacked)
	if err != nil {
		return nil, inInput(key, err)
	}
	return value.Bytes{Data: data, ContentType: http.DetectContentType(data)}, nil
}

// unpack reads what was packed into a number of bytes, up to a bound of size and of ratio. What is larger is never read.
func unpack(r io.Reader, packed, most int) ([]byte, error) {
	ratioBound := max(packed*maxRatio, ratioFrom)
	data, err := io.ReadAll(io.LimitReader(r, int64(min(most, ratioBound))+1))
	switch {
	case len(data) > most:
		return nil, fmt.Errorf("unpacked it is larger than %d MiB in sum", maxUnpacked>>20)
	case len(data) > ratioBound:
		return nil, fmt.Errorf("unpacked it is more than %d times as large: it is refused as a bomb", maxRatio)
	case err != nil:
		return nil, errors.New("the packed data is damaged")
	default:
		return data, nil
	}
}

// packedTime stands in archives, so that they do not differ when they are made again: the first moment that Zip knows.
var packedTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

func packZip(in component.Inputs) (any, error) {
	const key = "files"
	files, ok := filesOf(looseJSON(in, key))
	if !ok {
		return nil, wrongKind(key, in.Value(key), "an object with names of files as keys, or a list of objects with name, path and data, each file once")
	}
	if files.Len() > maxFiles {
		return nil, fmt.Errorf("input %q has more than %d files", key, maxFiles)
	}
	var b bytes.Buffer
	w, size := zip.NewWriter(&b), 0
	for name, content := range files.All() {
		if err := checkFileName(name); err != nil {
			return nil, inInput(key, err)
		}
		data := bytesOf(content)
		if size += len(data); size > maxUnpacked {
			return nil, fmt.Errorf("input %q is larger than %d MiB in sum", key, maxUnpacked>>20)
		}
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: packedTime})
		if err == nil {
			_, err = f.Write(data)
		}
		if err != nil {
			return nil, inInput(key, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, inInput(key, err)
	}
	return value.Bytes{Data: b.Bytes(), ContentType: "application/zip"}, nil
}

// filesOf makes an object of files by their names: of one, or of a list as unpackZip gives it.
func filesOf(v any) (*value.Object, bool) {
	list, ok := v.([]any)
	if !ok {
		files, ok := v.(*value.Object)
		return files, ok
	}
	files := value.Obj()
	for _, item := range list {
		f, ok := item.(*value.Object)
		if !ok {
			return nil, false
		}
		name, _ := f.Get("name")
		folder, _ := f.Get("path")
		data, _ := f.Get("data")
		files.Set(value.Text(folder)+value.Text(name), data)
	}
	return files, files.Len() == len(list)
}

func unpackZip(in component.Inputs) (any, error) {
	const key = "file"
	packed, err := packedBytes(in, key)
	if err != nil {
		return nil, err
	}
	r, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("input %q is no Zip archive", key)
	}
	if len(r.File) > maxFiles {
		return nil, fmt.Errorf("input %q has more than %d files", key, maxFiles)
	}
	files, names, left := []any{}, map[string]bool{}, maxUnpacked
	for i, f := range r.File {
		if strings.HasSuffix(f.Name, "/") && f.UncompressedSize64 == 0 {
			continue // a folder
		}
		data, err := unpackFile(f, names, left, len(packed))
		if err != nil {
			return nil, fmt.Errorf("input %q: file %d: %w", key, i+1, err)
		}
		left -= len(data)
		folder, name := path.Split(f.Name)
		files = append(files, value.Obj(
			value.Field{Key: "name", Value: name}, value.Field{Key: "path", Value: folder},
			value.Field{Key: "data", Value: value.Bytes{Data: data, ContentType: http.DetectContentType(data)}},
		))
	}
	return files, nil
}

func unpackFile(f *zip.File, names map[string]bool, left, archive int) ([]byte, error) {
	if err := checkFileName(f.Name); err != nil {
		return nil, err
	}
	if names[f.Name] {
		return nil, errors.New("its name stands twice in the archive")
	}
	names[f.Name] = true
	if f.Flags&1 != 0 {
		return nil, errors.New("it is encrypted")
	}
	r, err := f.Open()
	if err != nil {
		return nil, errors.New("it is packed in a way that is not known")
	}
	defer r.Close()
	// What an archive says of sizes may be a lie, but no file is packed into more bytes than the archive has.
	return unpack(r, int(min(f.CompressedSize64, uint64(archive))), left)
}

// checkFileName refuses names that would lead out of a folder, should somebody write the files to one.
func checkFileName(name string) error {
	switch {
	case name == "" || len(name) > maxFileName || !utf8.ValidString(name):
		return fmt.Errorf("a name of a file is empty, longer than %d bytes or no UTF-8", maxFileName)
	case strings.ContainsFunc(name, unicode.IsControl) || strings.ContainsAny(name, `\`):
		return errors.New("a name of a file holds a backslash or a control character")
	case strings.HasPrefix(name, "/") || len(name) > 1 && name[1] == ':':
		return errors.New("a name of a file is absolute: begin it with a name")
	case slices.Contains(strings.Split(name, "/"), ".."):
		return errors.New("a name of a file leads out of its folder: remove the dots")
	default:
		return nil
	}
}
