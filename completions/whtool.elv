set edit:completion:arg-completer[whtool] = { |@words|
    var index = (count $words)
    set index = (- $index 1)

    put (env _CLAP_IFS="\n" _CLAP_COMPLETE_INDEX=(to-string $index) WHTOOL_COMPLETE="elvish" whtool -- $@words) | to-lines
}
