package fake

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"slices"
)

// maxShown is how many lines of an account a page shows, the latest first.
const maxShown = 20

//go:embed page
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "page/*.html"))

func (e *ERP) page() answer {
	return render("erp.html", map[string]any{
		"Webhooks":   e.Webhooks(),
		"Customers":  len(e.Customers()),
		"Inventory":  len(e.Inventory()),
		"Ledger":     latest(e.Ledger()),
		"Deliveries": latest(e.Deliveries()),
	})
}

func (p *Progix) page() answer {
	return render("progix.html", map[string]any{
		"Effects":  latest(p.Effects()),
		"Received": latest(p.Received()),
	})
}

func latest[T any](all []T) []T {
	all = all[max(0, len(all)-maxShown):]
	slices.Reverse(all)
	return all
}

func render(name string, data any) answer {
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, data); err != nil {
		return refuse(http.StatusInternalServerError, "INTERNAL", "drawing the page: %v", err)
	}
	return answer{status: http.StatusOK, body: html(page.Bytes())}
}
