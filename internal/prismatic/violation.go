package prismatic

import (
	"fmt"

	"github.com/headrace/headrace/internal/ipaas"
)

func violation(at string, reason ipaas.Reason, format string, args ...any) ipaas.Violation {
	return ipaas.Violation{Field: at, Reason: reason, Description: fmt.Sprintf(format, args...)}
}
