#!/bin/sh
# Writes the vectors of Jackson, Gson, Rails and Flask from nasty.json. The commands for the other tools are in
# ../vectors.rs. Run in this folder; needs java 11 or newer, ruby and python3.
#
# Made with OpenJDK 17.0.15, Jackson 2.14.0 and Gson 2.10 (Debian libjackson2-databind-java, libgoogle-gson-java),
# ActiveSupport 6.1.7.10 with json 2.6.3 (Debian ruby-activesupport), Flask 3.1.3.
set -eu
jars=/usr/share/java
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cat > "$work/Vectors.java" <<'JAVA'
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.gson.*;
import java.nio.file.*;

class Vectors {
    public static void main(String[] args) throws Exception {
        String text = Files.readString(Path.of("nasty.json"));
        var jackson = new ObjectMapper();
        var tree = jackson.readTree(text);
        write("jackson", jackson.writeValueAsString(tree));
        write("jackson_pretty", jackson.writerWithDefaultPrettyPrinter().writeValueAsString(tree));
        JsonElement element = JsonParser.parseString(text);
        write("gson", new Gson().toJson(element));
        write("gson_map", new Gson().toJson(new Gson().fromJson(text, Object.class)));
        write("gson_nulls", new GsonBuilder().serializeNulls().create().toJson(element));
        write("gson_plain", new GsonBuilder().disableHtmlEscaping().create().toJson(element));
        write("gson_pretty", new GsonBuilder().setPrettyPrinting().create().toJson(element));
    }

    static void write(String name, String text) throws Exception {
        Files.writeString(Path.of(name + ".json"), text);
    }
}
JAVA
java -cp "$jars/jackson-databind.jar:$jars/jackson-core.jar:$jars/jackson-annotations.jar:$jars/gson.jar" "$work/Vectors.java"
ruby -e 'require "active_support/all"; print JSON.parse(STDIN.read).to_json' < nasty.json > rails_to_json.json
python3 - <<'PYTHON'
import json
from flask import Flask, jsonify
app = Flask("vectors")
with app.app_context():
    open("flask_jsonify.json", "wb").write(jsonify(json.load(open("nasty.json"))).data)
PYTHON
