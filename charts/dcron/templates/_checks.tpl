{{/* What a schema cannot say: values that do not go together, each refused with a sentence. */}}
{{- define "dcron.checks" -}}
{{- $redis := .Values.redis }}
{{- $external := $redis.external }}
{{- if eq $redis.mode "external" }}
{{- if and (not $external.url) (not $external.urlSecret.name) }}
{{- fail "redis.mode is external, and there is no address: set redis.external.url, or redis.external.urlSecret.name." }}
{{- end }}
{{- if and $external.url $external.urlSecret.name }}
{{- fail "redis.external.url and redis.external.urlSecret.name are both set: give the address once." }}
{{- end }}
{{- if regexMatch "://[^/@]*:[^/@]*@" $external.url }}
{{- fail "redis.external.url holds a password, which everybody could read in the release: put it into a Secret and name that in redis.external.passwordSecret, or the whole URL in redis.external.urlSecret." }}
{{- end }}
{{- if and $external.url (not (regexMatch "^(redis|rediss|redis\\+sentinel|redis\\+cluster)://[^/]+" $external.url)) }}
{{- fail (printf "redis.external.url is %q: it must be redis://, rediss://, redis+sentinel:// or redis+cluster:// with a host." $external.url) }}
{{- end }}
{{- if and $external.tls.secretName (hasPrefix "redis://" $external.url) }}
{{- fail "redis.external.tls.secretName is set, and redis.external.url says redis://, which is without TLS: write rediss://." }}
{{- end }}
{{- else if or $external.url $external.urlSecret.name $external.passwordSecret.name $external.tls.secretName }}
{{- fail (printf "redis.external is set, and redis.mode is %s: set redis.mode to external." $redis.mode) }}
{{- end }}
{{- if and (eq $redis.mode "none") (gt (int .Values.replicas) 1) }}
{{- fail (printf "redis.mode is none, so membership is kept in memory: %d replicas would not know of each other. Set replicas to 1, or give them a Redis." (int .Values.replicas)) }}
{{- end }}
{{- if and (eq .Values.watch.scope "namespaces") (not .Values.watch.namespaces) }}
{{- fail "watch.scope is namespaces, and watch.namespaces is empty: name at least one." }}
{{- end }}
{{- if and (eq .Values.watch.scope "cluster") .Values.watch.namespaces }}
{{- fail "watch.namespaces is set, and watch.scope is cluster: set watch.scope to namespaces." }}
{{- end }}
{{- if and .Values.rbac.aggregate (not .Values.rbac.userRoles) }}
{{- fail "rbac.aggregate is set, and rbac.userRoles is not: there is nothing to aggregate." }}
{{- end }}
{{- if lt (float64 .Values.controller.nodeTtlSeconds) (mulf 3 .Values.controller.nodeUpdateSeconds) }}
{{- fail "controller.nodeTtlSeconds is less than three times controller.nodeUpdateSeconds: two announcements may be lost." }}
{{- end }}
{{- $name := include "dcron.fullname" . }}
{{- $first := ternary "[a-z0-9]" "[a-z]" (semverCompare ">=1.36.0-0" .Capabilities.KubeVersion.Version) }}
{{- if not (regexMatch (printf "^%s([-a-z0-9]*[a-z0-9])?$" $first) $name) }}
{{- fail (printf "all names would begin with %q, which no Service may be called: set fullnameOverride to letters, digits and -, beginning with a letter (from Kubernetes 1.36 on a digit will do)." $name) }}
{{- end }}
{{- $bundled := $redis.bundled }}
{{- $limits := get ($bundled.resources | default dict) "limits" }}
{{- $limit := "" }}
{{- if kindIs "map" $limits }}{{ $limit = get $limits "memory" }}{{ end }}
{{- if kindIs "float64" $limit }}{{ $limit = int64 $limit }}{{ end }}
{{- if and (eq $redis.mode "bundled") $limit }}
{{- if ge (include "dcron.bytes" $bundled.maxMemory | float64) (include "dcron.bytes" $limit | float64) }}
{{- fail (printf "redis.bundled.maxMemory is %s, and its container gets %v: it would be killed before it is full. Raise redis.bundled.resources.limits.memory to half as much again as maxMemory." $bundled.maxMemory $limit) }}
{{- end }}
{{- end }}
{{- end }}

{{/* How many bytes a quantity of Kubernetes or a memory size of Redis means; very many for one that is written in another way. */}}
{{- define "dcron.bytes" -}}
{{- $units := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "kb" 1024 "mb" 1048576 "gb" 1073741824 }}
{{- $unit := regexReplaceAll "^[0-9.]+" (toString .) "" }}
{{- if hasKey $units $unit }}{{ mulf (regexFind "^[0-9.]+" (toString .) | float64) (get $units $unit) }}{{ else }}1e18{{ end }}
{{- end }}
