// Package migrations embeds the schema's history; goose applies it in order.
package migrations

import "embed"

// Files are the migrations, one SQL file each.
//
//go:embed *.sql
var Files embed.FS
