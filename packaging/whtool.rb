class Whtool < Formula
  desc "Webhook workbench for Plexos Pay and Plustive"
  homepage "@URL@"
  version "@VERSION@"
  license any_of: ["MIT", "Apache-2.0"]

  @ARCHIVES@

  def install
    bin.install "whtool"
    man.install Dir["man/*"]
    bash_completion.install "completions/whtool.bash" => "whtool"
    zsh_completion.install "completions/_whtool"
    fish_completion.install "completions/whtool.fish"
  end

  test do
    (testpath/"payload.json").write shell_output("#{bin}/whtool samples show payment.debited --fixed")
    assert_match "X-Plexos-Signature", shell_output("#{bin}/whtool sign payload.json --as http")
  end
end
