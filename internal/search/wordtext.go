package search

import (
	"errors"
	"strings"
)

var errWords = errors.New("the words of a document cannot be read")

// eachWord reads a tsvector as PostgreSQL writes it ('pot':1A,2 'copper':3C), and gives each word with where it is.
func eachWord(text string, do func(word string, in where)) error {
	for text != "" {
		word, rest, err := quoted(text)
		if err != nil {
			return err
		}
		var in where
		for rest != "" && rest[0] != ' ' {
			n := 1 // the colon or the comma
			for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
				n++
			}
			weight := inDescription
			if n < len(rest) && rest[n] >= 'A' && rest[n] <= 'C' {
				weight = 1 << (rest[n] - 'A')
				n++
			}
			in |= weight
			rest = rest[n:]
		}
		do(word, in)
		text = strings.TrimPrefix(rest, " ")
	}
	return nil
}

// quoted takes a word from the beginning of a text.
func quoted(text string) (word, rest string, err error) {
	if text[0] != '\'' {
		return "", "", errWords
	}
	end := 1
	plain := true
	for end < len(text) {
		switch text[end] {
		case '\\':
			plain, end = false, end+2
			continue
		case '\'':
			if end+1 < len(text) && text[end+1] == '\'' {
				plain, end = false, end+2
				continue
			}
			word = text[1:end]
			if !plain {
				word = strings.NewReplacer("''", "'", `\\`, `\`).Replace(word)
			}
			return word, text[end+1:], nil
		}
		end++
	}
	return "", "", errWords
}
