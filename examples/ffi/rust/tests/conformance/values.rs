//! The notation of values in scenarios.
use reflow::Value;

/// Makes a value of the notation.
pub fn value(notation: &Value) -> Value {
    match notation {
        Value::Array(values) => Value::Array(values.iter().map(value).collect()),
        Value::Object(fields) => match fields.as_slice() {
            [(key, data)] if key.starts_with('$') => special(key, data),
            _ => Value::Object(fields.iter().map(|(key, field)| (key.clone(), value(field))).collect()),
        },
        other => other.clone(),
    }
}

fn special(key: &str, data: &Value) -> Value {
    let text = data.as_text().unwrap_or("");
    match key {
        "$integer" => Value::Int(text.parse().expect("an integer")),
        "$float" => Value::Float(text.parse().expect("a float")),
        "$bytes" => {
            let digits = |i| u8::from_str_radix(&text[i..i + 2], 16).expect("hexadecimal");
            Value::Bytes((0..text.len()).step_by(2).map(digits).collect())
        }
        "$error" => Value::Error(text.into()),
        "$flow" => Value::Flow,
        "$deep" => {
            let levels = data.as_int().expect("levels");
            (1..levels).fold(Value::Array(Vec::new()), |inner, _| Value::Array(vec![inner]))
        }
        "$text" => {
            let pair = data.as_array().expect("a pair");
            Value::Text(pair[0].as_text().unwrap().repeat(pair[1].as_int().unwrap() as usize))
        }
        _ => panic!("there is no value {key}"),
    }
}
