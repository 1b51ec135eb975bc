//! The schema of an output, as ComfyDeploy writes it. The service itself accepts any object, and shows it unchanged.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{
            AdditionalProperties, ArrayBuilder, Object, ObjectBuilder, Ref, Schema, SchemaType,
            Type,
        },
    },
};

/// One output of a run.
pub(in crate::http) struct Output;

impl ToSchema for Output {}

impl PartialSchema for Output {
    fn schema() -> RefOr<Schema> {
        let node_meta = object()
            .schema_type(SchemaType::Array(vec![Type::Object, Type::Null]))
            .property("node_id", text())
            .property("node_class", text())
            .description(Some("The node of the workflow that made it"));
        let output_id =
            text_or_null().description(Some("The name that the workflow gives this output"));
        let time = || text().description(Some("A time, but not always a valid one"));
        let output = object()
            .description(Some("One output of a run, as ComfyDeploy writes it. Any field may be missing, and there \
                               may be others."))
            .property("id", text())
            .property("run_id", text())
            .property("output_id", output_id)
            .property("node_id", text_or_null())
            .property("node_meta", node_meta)
            .property("type", text_or_null())
            .property("data", data())
            .property("created_at", time())
            .property("updated_at", time());
        output.build().into()
    }
}

/// What a node made, or an error.
fn data() -> Object {
    let error = object()
        .property("type", text())
        .property("message", text());
    object()
        .description(Some("What the node made, or ComfyUI's error"))
        // After a cancel it can be a list: these are its properties if it is an object.
        .schema_type(SchemaType::AnyValue)
        .property("images", files())
        .property("gifs", files())
        .property("files", files())
        .property("mesh", files())
        .property("text", texts())
        .property("exception_type", text())
        .property("exception_message", text())
        .property("traceback", texts())
        .property("node_type", text())
        .property("error", error)
        .build()
}

/// One file of an output.
pub(in crate::http) struct MediaItem;

impl ToSchema for MediaItem {}

impl PartialSchema for MediaItem {
    fn schema() -> RefOr<Schema> {
        let seconds = ObjectBuilder::new()
            .schema_type(Type::Number)
            .description(Some("In seconds"));
        let item = object()
            .description(Some("An image, a video, a sound or another file"))
            .property("url", text())
            .property("filename", text())
            .property("type", text())
            .property("subfolder", text())
            .property("is_public", ObjectBuilder::new().schema_type(Type::Boolean))
            .property("upload_duration", seconds);
        item.build().into()
    }
}

/// An object that may have other properties than those described.
fn object() -> ObjectBuilder {
    ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(true)))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn text_or_null() -> ObjectBuilder {
    text().schema_type(SchemaType::Array(vec![Type::String, Type::Null]))
}

fn texts() -> ArrayBuilder {
    ArrayBuilder::new().items(text())
}

fn files() -> ArrayBuilder {
    ArrayBuilder::new().items(Ref::from_schema_name("MediaItem"))
}
