package api

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/headrace/headrace/internal/ipaas"
)

// suggest says which field may have been meant, or which there are.
func (s *shape) suggest(key string, md protoreflect.MessageDescriptor) string {
	var names []string
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if s.strict && serverOnly(fd) {
			continue
		}
		names = append(names, fd.JSONName())
	}
	if meant := ipaas.Nearest(camel(key), names); meant != "" {
		return "did you mean " + meant + "?"
	}
	return "it has " + strings.Join(names, ", ")
}

// shorten cuts a key that is too long to be a mistyped one.
func shorten(key string) string {
	if len(key) <= maxShownKey {
		return key
	}
	return strings.ToValidUTF8(key[:maxShownKey], "") + "…"
}

// maxShownKey is how many bytes of an unknown key are shown.
const maxShownKey = 60
