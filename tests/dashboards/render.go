// Renders notification templates with Go's own text/template, which Grafana's notifications are made with.
// In: {"text": templates, "asked": {name: {"template": name, "data": notification}}}; out: {name: what it renders}.
package main

import (
	"bytes"
	"encoding/json"
	"os"
	"text/template"
)

// Alert has the fields of Grafana's notification reference that our templates may use.
type Alert struct {
	Status      string
	Labels      map[string]string
	Annotations map[string]string
	PanelURL    string
}

type Alerts []Alert

func (all Alerts) of(status string) []Alert {
	found := []Alert{}
	for _, alert := range all {
		if alert.Status == status {
			found = append(found, alert)
		}
	}
	return found
}

func (all Alerts) Firing() []Alert   { return all.of("firing") }
func (all Alerts) Resolved() []Alert { return all.of("resolved") }

type Notification struct {
	Receiver string
	Status   string
	Alerts   Alerts
}

func main() {
	var in struct {
		Text  string
		Asked map[string]struct {
			Template string
			Data     Notification
		}
	}
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		panic(err)
	}
	parsed := template.Must(template.New("").Option("missingkey=zero").Parse(in.Text))
	out := map[string]string{}
	for name, asked := range in.Asked {
		var written bytes.Buffer
		if err := parsed.ExecuteTemplate(&written, asked.Template, asked.Data); err != nil {
			panic(err)
		}
		out[name] = written.String()
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		panic(err)
	}
}
