{{/* Everything else in this folder is written by `python -m charts`. */}}

{{/* An image: (list . IMAGE ...), the first one that names a repository. */}}
{{- define "vm-drift.image" -}}
{{- $image := dict -}}
{{- range rest . -}}
{{- if not $image -}}
{{- $image = ternary . $image (not (empty .repository)) -}}
{{- end -}}
{{- end -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default (first .).Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* The data of the ConfigMap settings. Where it is not the usual one, the roles are told in which namespace they live. */}}
{{- define "vm-drift.settings" -}}
{{- include "vm-drift.checked" . -}}
{{- $settings := deepCopy .Values.settings -}}
{{- if ne .Release.Namespace "vm-drift" -}}
{{- $_ := set $settings "VMDRIFT_NAMESPACE" .Release.Namespace -}}
{{- end -}}
{{- if and .Values.audit.enabled (not (hasKey $settings "VMDRIFT_AUDIT_EVERY")) -}}
{{- $_ := set $settings "VMDRIFT_AUDIT_EVERY" "3600" -}}
{{- end -}}
{{- range $name, $value := $settings -}}
{{- /* Helm reads numbers as floats, and would write a million as 1e+06. */ -}}
{{- if and (kindIs "float64" $value) (eq $value (floor $value)) -}}
{{- $value = int64 $value -}}
{{- end }}
{{ $name }}: {{ $value | toString | quote }}
{{- end -}}
{{- end -}}

{{/* What would come up and not work, or work otherwise than meant. */}}
{{- define "vm-drift.checked" -}}
{{- $fencing := .Values.settings.VMDRIFT_FENCING | default "none" -}}
{{- if and (ne $fencing "none") (not .Values.fencing.enabled) -}}
{{- fail "settings.VMDRIFT_FENCING names providers, and fencing.enabled is false: the role that asks them would not run." -}}
{{- end -}}
{{- if and (ne (.Values.settings.VMDRIFT_AUDIT_EVERY | default "0" | toString) "0") (not .Values.audit.enabled) -}}
{{- fail "settings.VMDRIFT_AUDIT_EVERY is set, and audit.enabled is false: the role that judges would not run." -}}
{{- end -}}
{{- if and .Values.redis.sentinel.enabled .Values.keda.enabled -}}
{{- fail "redis.sentinel.enabled and keda.enabled exclude each other: KEDA's trigger asks the one Redis server for its list." -}}
{{- end -}}
{{- if and .Values.redis.sentinel.enabled .Values.knative.enabled -}}
{{- fail "redis.sentinel.enabled and knative.enabled exclude each other: the receiver of Knative does not know the Sentinels." -}}
{{- end -}}
{{- end -}}

{{/* How many deliver events: none until there is somewhere to deliver to. */}}
{{- define "vm-drift.outgoing" -}}
{{- if or .Values.knative.enabled .Values.settings.VMDRIFT_SINK -}}
{{ .Values.roles.outgoing.replicas }}
{{- else -}}
0
{{- end -}}
{{- end -}}

{{/* The name of a ConfigMap, (list . NAME), with the hash of its data behind it: exactly kustomize's. */}}
{{- define "vm-drift.hashed" -}}
{{- $name := index . 1 -}}
{{- $data := (include (printf "vm-drift.data.%s" $name) (index . 0) | fromYaml).data -}}
{{- $hash := dict "data" $data "kind" "ConfigMap" "name" "" | toJson | sha256sum | trunc 10 -}}
{{- $hash = $hash | replace "0" "g" | replace "1" "h" | replace "3" "k" | replace "a" "m" | replace "e" "t" -}}
{{ $name }}-{{ $hash }}
{{- end -}}

{{/* Addresses, as a NetworkPolicy names them. */}}
{{- define "vm-drift.blocks" -}}
{{- range . }}
- ipBlock:
    cidr: {{ . }}
{{- end }}
{{- end -}}

{{/* Ports, as a NetworkPolicy names them. */}}
{{- define "vm-drift.ports" -}}
{{- range . }}
- port: {{ . }}
{{- end }}
{{- end -}}
