// Parses a page of metrics with the parser of Prometheus itself, and prints what it read: one JSON object a line, in the order of
// the page. A page that Prometheus would refuse ends it with exit code 1 and the parser's error on stderr.
//
// usage: parse-metrics CONTENT_TYPE <PAGE
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// One line of output: a sample with its labels and value, or what the page says of a family.
type line struct {
	Entry  string            `json:"entry"`
	Family string            `json:"family,omitempty"`
	Text   string            `json:"text,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
	Value  string            `json:"value,omitempty"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: parse-metrics CONTENT_TYPE <PAGE")
		os.Exit(2)
	}
	if err := parse(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "parse-metrics:", err)
		os.Exit(1)
	}
}

func parse(contentType string) error {
	page, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	// Without a content type to fall back to: one that Prometheus does not know is refused.
	parser, err := textparse.New(page, contentType, labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		return err
	}
	// Nothing is printed of a page that is refused at its end.
	var lines []line
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return write(lines)
		}
		if err != nil {
			return err
		}
		switch entry {
		case textparse.EntryType:
			family, kind := parser.Type()
			lines = append(lines, line{Entry: "type", Family: string(family), Text: string(kind)})
		case textparse.EntryUnit:
			family, unit := parser.Unit()
			lines = append(lines, line{Entry: "unit", Family: string(family), Text: string(unit)})
		case textparse.EntryHelp:
			family, help := parser.Help()
			lines = append(lines, line{Entry: "help", Family: string(family), Text: string(help)})
		case textparse.EntrySeries:
			_, _, value := parser.Series()
			var of labels.Labels
			parser.Labels(&of)
			// JSON has no NaN and no infinity.
			text := strconv.FormatFloat(value, 'g', -1, 64)
			lines = append(lines, line{Entry: "sample", Labels: of.Map(), Value: text})
		case textparse.EntryComment:
			lines = append(lines, line{Entry: "comment", Text: string(parser.Comment())})
		default:
			return fmt.Errorf("an entry of kind %d, which neither text format has", entry)
		}
	}
}

func write(lines []line) error {
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	for _, line := range lines {
		if err := encoder.Encode(line); err != nil {
			return err
		}
	}
	return out.Flush()
}
