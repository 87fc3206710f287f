{{/* A file of the manifests, in the namespace of the release. Its names of Services end in that namespace too. */}}
{{- define "greenroom.file" -}}
{{- $namespace := .root.Release.Namespace -}}
{{- .root.Files.Get .path
  | replace "namespace: greenroom" (printf "namespace: %s" $namespace)
  | replace "namespace=\"greenroom\"" (printf "namespace=\"%s\"" $namespace)
  | replace ".greenroom.svc.cluster.local" (printf ".%s.svc.%s" $namespace .root.Values.clusterDomain) -}}
{{- end }}

{{/* The settings as YAML: those of the base, then those of production, then those of the components, then the user's. */}}
{{- define "greenroom.settings" -}}
{{- $settings := dict -}}
{{- range $path := list "base/settings.env" "production/settings.env" -}}
{{- range $line := $.Files.Lines $path -}}
{{- if regexMatch "^[A-Z]" $line -}}
{{- $_ := set $settings (regexFind "^[A-Z_]+" $line) (regexReplaceAll "^[A-Z_]+=" $line "") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not .Values.secrets.apiKeys -}}
{{- $_ := unset $settings "GREENROOM_API_KEYS_FILE" -}}
{{- end -}}
{{- if or .Values.ingress.enabled .Values.gateway.enabled .Values.haproxy.enabled -}}
{{- $_ := set $settings "GREENROOM_TRUSTED_PROXY_COUNT" .Values.trustedProxies -}}
{{- end -}}
{{- range $name, $value := .Values.settings -}}
{{- $_ := set $settings $name $value -}}
{{- end -}}
{{- range $name, $value := $settings -}}
{{- $text := toString $value -}}
{{/* All numbers of YAML are fractions here, and large ones would be written with an exponent. */}}
{{- if kindIs "float64" $value -}}
{{- if eq (floor $value) $value -}}{{- $text = int64 $value | toString -}}{{- end -}}
{{- end -}}
{{- $_ := set $settings $name $text -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end }}
