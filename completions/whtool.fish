complete --keep-order --exclusive --command whtool --arguments "(WHTOOL_COMPLETE=fish whtool -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
