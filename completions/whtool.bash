_clap_complete_whtool() {
    local IFS=$'\013'
    local _CLAP_COMPLETE_INDEX=${COMP_CWORD}
    local _CLAP_COMPLETE_COMP_TYPE=${COMP_TYPE}
    if compopt +o nospace 2> /dev/null; then
        local _CLAP_COMPLETE_SPACE=false
    else
        local _CLAP_COMPLETE_SPACE=true
    fi
    local words=("${COMP_WORDS[@]}")
    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
        words[COMP_CWORD]="$2"
    fi
    COMPREPLY=( $( \
        _CLAP_IFS="$IFS" \
        _CLAP_COMPLETE_INDEX="$_CLAP_COMPLETE_INDEX" \
        _CLAP_COMPLETE_COMP_TYPE="$_CLAP_COMPLETE_COMP_TYPE" \
        _CLAP_COMPLETE_SPACE="$_CLAP_COMPLETE_SPACE" \
        WHTOOL_COMPLETE="bash" \
        "whtool" -- "${words[@]}" \
    ) )
    if [[ $? != 0 ]]; then
        unset COMPREPLY
    elif [[ $_CLAP_COMPLETE_SPACE == false ]] && [[ "${COMPREPLY-}" =~ [=/:]$ ]]; then
        compopt -o nospace
    fi
}
_whtool() {
    local rest="${COMP_LINE:0:COMP_POINT}" whole=() last=-1 number word
    for ((number = 0; number <= COMP_CWORD; number++)); do
        word="${COMP_WORDS[number]}"
        if ((last < 0)) || [[ -z $rest || $rest == [[:space:]]* ]]; then
            last=$((last + 1))
            whole[last]=""
        fi
        rest="${rest#"${rest%%[![:space:]]*}"}"
        if ((number == COMP_CWORD)); then
            word="$rest"
        fi
        whole[last]+="$word"
        rest="${rest#"$word"}"
    done
    local typed="${whole[last]}" before
    before="${typed%"$2"}"
    if [[ $before != *[:=] ]]; then
        _clap_complete_whtool "$@"
        return
    fi
    local COMP_WORDS=("${whole[@]}") COMP_CWORD=$last
    _clap_complete_whtool "$1" "$typed" "$3"
    for number in "${!COMPREPLY[@]}"; do
        COMPREPLY[number]="${COMPREPLY[number]#"$before"}"
    done
}
if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -o nospace -o bashdefault -o nosort -F _whtool whtool
else
    complete -o nospace -o bashdefault -F _whtool whtool
fi
