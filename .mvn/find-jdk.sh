# Sourced by winnow and mvnw: finds an installed JDK of the release Winnow is built with, by reading
# the `release` file of each candidate; no JVM is started.

JDK_RELEASE=25
JDK_NEEDED="Winnow needs a JDK $JDK_RELEASE and found none: install one (for example Eclipse Temurin $JDK_RELEASE), or set WINNOW_JAVA_HOME to where it is."

# is_jdk DIR: DIR is a JDK (not a JRE) of that release
is_jdk() {
  [ -n "$1" ] && [ -r "$1/release" ] && [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] || return 1
  while IFS= read -r is_jdk_line || [ -n "$is_jdk_line" ]; do
    case $is_jdk_line in
      JAVA_VERSION=\"$JDK_RELEASE\"* | JAVA_VERSION=\"$JDK_RELEASE[.+-]*) return 0 ;;
    esac
  done <"$1/release"
  return 1
}

# resolve FILE: prints FILE with every symbolic link in its last component followed
resolve() {
  resolve_file=$1
  while [ -L "$resolve_file" ]; do
    resolve_link=$(readlink "$resolve_file")
    case $resolve_link in
      /*) resolve_file=$resolve_link ;;
      *) resolve_file=$(dirname "$resolve_file")/$resolve_link ;;
    esac
  done
  printf '%s\n' "$resolve_file"
}

# find_jdk: sets JDK to the first that fits; fails when there is none
find_jdk() {
  for JDK in "${WINNOW_JAVA_HOME-}" "${JAVA_HOME-}"; do
    is_jdk "$JDK" && return 0
  done
  if find_jdk_java=$(command -v java 2>/dev/null); then
    JDK=$(dirname "$(dirname "$(resolve "$find_jdk_java")")")
    is_jdk "$JDK" && return 0
  fi
  for JDK in /usr/lib/jvm/* /usr/java/* /opt/java/* /opt/jdk* \
      "${HOME-}"/.sdkman/candidates/java/* "${HOME-}"/.jdks/* "${HOME-}"/.asdf/installs/java/* \
      "${HOME-}"/.local/share/mise/installs/java/* "${HOME-}"/.m2/jdks/* \
      /Library/Java/JavaVirtualMachines/*/Contents/Home \
      "${HOME-}"/Library/Java/JavaVirtualMachines/*/Contents/Home; do
    is_jdk "$JDK" && return 0
  done
  JDK=
  return 1
}
