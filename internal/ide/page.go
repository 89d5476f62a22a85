package ide

import (
	"bytes"
	_ "embed"
	"html/template"
)

//go:embed page.html
var pageSource string

// pageData is what page.html shows. The template writes Config as JSON in which no text can end the
// script element around it.
type pageData struct {
	Title  string
	Assets assetNames
	Prefix string
	Config pageConfig
}

// pageConfig is what the page's script reads. Web: src/config.js.
type pageConfig struct {
	Title     string    `json:"title"`
	Endpoint  string    `json:"endpoint"`
	PlayMoney bool      `json:"playMoney"`
	Accounts  []Account `json:"accounts"`
	Examples  []Example `json:"examples"`
}

func newPage(cfg Config, names assetNames, examples []Example) *file {
	data := pageData{
		Title:  orElse(cfg.Title, "Souk"),
		Assets: names,
		Prefix: assetPrefix,
		Config: pageConfig{
			Title:     orElse(cfg.Title, "Souk"),
			Endpoint:  orElse(cfg.Endpoint, "/graphql"),
			PlayMoney: cfg.PlayMoney,
			Accounts:  append([]Account{}, cfg.Accounts...), // [] rather than null
			Examples:  append([]Example{}, examples...),
		},
	}
	var buf bytes.Buffer
	page := template.Must(template.New("page").Parse(pageSource))
	if err := page.Execute(&buf, data); err != nil { // the data is of types that the template takes
		panic(err) //nolint:forbidigo // see above
	}
	return newFile("text/html; charset=utf-8", revalidate, buf.Bytes())
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
