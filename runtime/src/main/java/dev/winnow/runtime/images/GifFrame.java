package dev.winnow.runtime.images;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.IOException;
import javax.imageio.ImageReader;
import javax.imageio.metadata.IIOMetadata;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/** The first frame of a GIF image on its canvas, which it need not fill. */
final class GifFrame {
    private GifFrame() {
    }

    static RgbImage read(ImageReader reader, String name) throws IOException {
        Element canvas = element(reader.getStreamMetadata(), "LogicalScreenDescriptor");
        Element place = element(reader.getImageMetadata(0), "ImageDescriptor");
        int left = number(place, "imageLeftPosition");
        int top = number(place, "imageTopPosition");
        // a frame that reaches beyond the canvas widens it
        int width = Math.max(number(canvas, "logicalScreenWidth"), left + reader.getWidth(0));
        int height = Math.max(number(canvas, "logicalScreenHeight"), top + reader.getHeight(0));
        ImageDecoder.checkSize(width, height, name);
        BufferedImage frame = reader.read(0);
        RgbImage pixels = RgbImage.of(frame);
        if (width == pixels.width() && height == pixels.height()) return pixels;
        return Canvas.place(pixels, width, height, left, top, background(frame));
    }

    /** As in Pillow: the transparent colour of the frame's palette, or else its first one. */
    private static int background(BufferedImage frame) {
        if (!(frame.getColorModel() instanceof IndexColorModel palette)) return 0;
        return palette.getRGB(Math.max(palette.getTransparentPixel(), 0)) & 0xffffff;
    }

    private static Element element(IIOMetadata metadata, String name) throws IOException {
        Node node = metadata.getAsTree(metadata.getNativeMetadataFormatName()).getFirstChild();
        while (node != null && !node.getNodeName().equals(name)) node = node.getNextSibling();
        if (node instanceof Element element) return element;
        throw new IOException("no " + name);
    }

    private static int number(Element element, String attribute) {
        return Integer.parseInt(element.getAttribute(attribute));
    }
}
